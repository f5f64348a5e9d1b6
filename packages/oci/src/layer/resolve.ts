import { type ByteString, toText } from '@cairn/bytes';
import { type Directory, type Inode, splitPath } from '@cairn/tree';
import { quoted } from '../quote.ts';
import { type EntryPlace, entryError, PATH_LIMIT } from './names.ts';

/** What to do where the way to a folder is not there, or is not of folders only. */
export interface Obstacles {
  /** Makes a folder that is missing; undefined ends the walk. */
  missing(directory: Directory, name: ByteString): Directory | undefined;
  /** Called with what is neither folder nor link; throws, or ends the walk by returning. */
  blocked(path: ByteString): void;
  /** Whether to follow a link; where not, the walk ends. */
  follow(path: ByteString): boolean;
}

/** As many as Linux follows (path_resolution(7)). */
const LINK_LIMIT = 40;
/** Links of long paths, one leading to the other, would cost a long time for each entry. */
const STEP_LIMIT = PATH_LIMIT;

/**
 * The folder that `names` lead to. Links on the way are followed inside the root, as a process in a chroot would:
 * absolute ones start at the root, and `..` stops there.
 *
 * @returns undefined where an obstacle ended the walk
 * @throws OciError `invalid-layer` for a loop of links, and for a path that is too long once they are followed
 */
export function walkTo(
  root: Directory,
  names: readonly ByteString[],
  place: EntryPlace,
  obstacles: Obstacles,
): Directory | undefined {
  const pending = names.toReversed();
  const trail: { readonly parent: Directory; readonly name: ByteString }[] = [];
  const pathTo = (name: ByteString) => [...trail.map((step) => step.name), name].join('/');
  let directory = root;
  let length = 0;
  let links = 0;
  let steps = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (++steps > STEP_LIMIT)
      throw entryError(place, 'is reached by links that lead through too many folders');
    if (name === '..') {
      const last = trail.pop();
      length -= last === undefined ? 0 : last.name.length + 1;
      directory = last?.parent ?? root;
      continue;
    }
    const next: Inode | undefined = directory.entries.get(name) ?? obstacles.missing(directory, name);
    if (next === undefined) return undefined;
    if (next.kind === 'symlink') {
      if (!obstacles.follow(pathTo(name))) return undefined;
      if (++links > LINK_LIMIT) {
        throw entryError(
          place,
          `is reached by a loop of links: ${quoted(toText(pathTo(name)))} is one of them`,
        );
      }
      if (next.target.startsWith('/')) {
        trail.length = 0;
        length = 0;
        directory = root;
      }
      pending.push(...splitPath(next.target).reverse());
      continue;
    }
    if (next.kind !== 'directory') {
      obstacles.blocked(pathTo(name));
      return undefined;
    }
    trail.push({ parent: directory, name });
    length += name.length + 1;
    if (length > PATH_LIMIT)
      throw entryError(place, `lies deeper than ${PATH_LIMIT} bytes once links are followed`);
    directory = next;
  }
  return directory;
}
