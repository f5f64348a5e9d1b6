import type { Directory, Inode } from '@cairn/tree';

/** A tree of its own that shares everything but the directories, so that names can be added and taken away. */
export function cloneTree(root: Directory): Directory {
  const entries = new Map<string, Inode>();
  for (const [name, inode] of root.entries) {
    entries.set(name, inode.kind === 'directory' ? cloneTree(inode) : inode);
  }
  return { ...root, entries };
}
