import { type Directory, lookup, place, walk } from '@cairn/tree';

/**
 * Lays the framework's files over an image's tree, in place, to the same tree that the framework gives as the image's
 * last layer: links in the middle of a path are followed, and folders that are there keep all that they have.
 */
export function layFramework(onto: Directory, framework: Directory): void {
  for (const { path, inode } of walk(framework)) {
    if (path === '/') continue;
    if (inode.kind !== 'directory') {
      place(onto, path, inode);
    } else if (lookup(onto, path)?.inode.kind !== 'directory') {
      place(onto, path, { ...inode, entries: new Map() });
    }
  }
}
