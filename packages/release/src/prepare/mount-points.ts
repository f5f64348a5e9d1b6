import { type Directory, lookup, makeDirectory, place } from '@cairn/tree';
import { ReleaseError } from '../error.ts';
import { cloneTree } from './clone.ts';

/** What the boot mounts something on. The root is read-only, so that none can be made later. */
const MOUNT_POINTS: readonly (readonly [path: string, mode: number])[] = [
  ['/dev', 0o755],
  ['/efi', 0o755],
  ['/etc', 0o755],
  ['/home', 0o755],
  ['/oem', 0o755],
  ['/opt', 0o755],
  ['/proc', 0o555],
  ['/root', 0o700],
  ['/run', 0o755],
  ['/srv', 0o755],
  ['/sys', 0o555],
  ['/tmp', 0o1777],
  ['/usr/local', 0o755],
  ['/var', 0o755],
];

/**
 * A tree with the missing ones of the folders that the boot mounts something on: root's, with the time of the
 * tree's root. A link in such a place stays, wherever it leads: what it leads to may be made at boot.
 *
 * @throws ReleaseError `bad-image` where there is neither a folder nor a link
 */
export function withMountPoints(root: Directory): Directory {
  const result = cloneTree(root);
  for (const [path, mode] of MOUNT_POINTS) {
    const found = lookup(result, path, { nofollow: true })?.inode;
    if (found === undefined) {
      place(result, path, makeDirectory({ mode, mtime: root.mtime }));
    } else if (found.kind !== 'directory' && found.kind !== 'symlink') {
      throw new ReleaseError('bad-image', `${path} of the image is not a folder`);
    }
  }
  return result;
}
