import type { FileStat } from '@cairn/host';
import { stateFolder, type WritablePath } from '../paths/map.ts';
import { bindMount, type MountStep, overlayMount } from './mount.ts';
import { IMAGE, VOLATILE } from './places.ts';

/** A folder to make, with the owner and mode of the image's own. */
export interface FolderStep {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A folder of the image to copy, once, to the persistent partition. */
export interface SeedStep {
  readonly from: string;
  readonly to: string;
}

/** What makes a group of paths writable, in the order in which it is done. */
export interface PathsPlan {
  readonly folders: readonly FolderStep[];
  readonly seeds: readonly SeedStep[];
  readonly mounts: readonly MountStep[];
}

/** What the image has at a path; undefined where it has nothing. */
export type ImageFolders = ReadonlyMap<string, Pick<FileStat, 'kind' | 'mode' | 'uid' | 'gid'> | undefined>;

const ROOT_OWNED = { mode: 0o755, uid: 0, gid: 0 };

function attributesOf(image: ImageFolders, path: string): Omit<FolderStep, 'path'> {
  const { mode, uid, gid } = image.get(path) ?? ROOT_OWNED;
  return { mode, uid, gid };
}

/** The paths that live in memory: overlays on the image, and empty ones. */
export function planVolatile(root: string, paths: readonly WritablePath[], image: ImageFolders): PathsPlan {
  const folders: FolderStep[] = [];
  const mounts: MountStep[] = [];
  for (const { path, kind } of paths) {
    if (kind === 'memory') {
      mounts.push({
        source: 'tmpfs',
        target: root + path,
        type: 'tmpfs',
        options: ['mode=1777', 'nosuid', 'nodev', 'size=50%'],
      });
    } else if (kind === 'volatile' && image.get(path)?.kind === 'directory') {
      const backing = `${VOLATILE}/${path.slice(1)}`;
      folders.push({ path: `${backing}/data`, ...attributesOf(image, path) });
      folders.push({ path: `${backing}/work`, ...ROOT_OWNED });
      mounts.push(overlayMount(root + path, IMAGE + path, `${backing}/data`, `${backing}/work`));
    }
  }
  return { folders, seeds: [], mounts };
}

/**
 * The paths that outlive a boot.
 *
 * @param backing the persistent partition, or a folder in memory where there is none
 * @param made which kept folders exist already: they are not filled from the image again
 */
export function planKept(
  root: string,
  paths: readonly WritablePath[],
  image: ImageFolders,
  backing: string,
  made: ReadonlySet<string>,
): PathsPlan {
  const folders: FolderStep[] = [];
  const seeds: SeedStep[] = [];
  const mounts: MountStep[] = [];
  for (const { path, kind } of paths) {
    if (kind !== 'kept' && kind !== 'kept-overlay') continue;
    const inImage = image.get(path)?.kind === 'directory';
    // A link is as writable as what it leads to. Mounting on it would follow it, here out of the new root.
    if (!inImage && image.get(path) !== undefined) continue;
    // A folder can be made for it only where its parent is writable: below the volatile paths.
    if (!inImage && !isBelowVolatile(path, paths)) continue;
    const data = `${backing}/${stateFolder(path)}/data`;
    const folder = { path: data, ...attributesOf(image, path) };
    if (kind === 'kept-overlay' && inImage) {
      const work = `${backing}/${stateFolder(path)}/work`;
      folders.push(folder, { path: work, ...ROOT_OWNED });
      mounts.push(overlayMount(root + path, IMAGE + path, data, work));
      continue;
    }
    if (inImage && !made.has(path)) seeds.push({ from: IMAGE + path, to: data });
    else folders.push(folder);
    mounts.push(bindMount(data, root + path));
  }
  return { folders, seeds, mounts };
}

function isBelowVolatile(path: string, paths: readonly WritablePath[]): boolean {
  return paths.some((other) => other.kind === 'volatile' && path.startsWith(`${other.path}/`));
}
