import { type ByteString, compareBytes, readAll, toText } from '@cairn/bytes';
import { TreeError } from './error.ts';
import { type Directory, type Inode, makeDirectory } from './inode.ts';

/** What a path leads to, and the path it has once all links are followed. */
export interface Found {
  readonly path: ByteString;
  readonly inode: Inode;
}

/** As many as Linux follows (path_resolution(7)). */
const LINK_LIMIT = 40;

const READ_LIMIT = 16 << 20;

/** The names that a path leads through. `..` is one; what is between two slashes, and `.`, are not. */
export function splitPath(path: ByteString): ByteString[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/**
 * Follows `path` from the root of a tree as the kernel would inside a chroot: links are followed, absolute
 * ones start from the tree's root, and `..` stops there. Nothing outside of the tree can be reached.
 *
 * @param options.nofollow leave a link that is the last part of the path as it is, as lstat(2) does
 * @returns undefined where there is nothing; a slash at the end of the path counts for nothing
 * @throws TreeError `link-loop` after 40 links
 */
export function lookup(
  root: Directory,
  path: ByteString,
  options: { nofollow?: boolean } = {},
): Found | undefined {
  const pending = splitPath(path).reverse();
  const trail: { name: ByteString; directory: Directory }[] = [];
  let links = 0;
  let inode: Inode = root;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (inode.kind !== 'directory') return undefined;
    if (name === '..') {
      inode = trail.pop()?.directory ?? root;
      continue;
    }
    const next: Inode | undefined = inode.entries.get(name);
    if (next === undefined) return undefined;
    if (next.kind === 'symlink' && !(options.nofollow && pending.length === 0)) {
      if (++links > LINK_LIMIT) {
        throw new TreeError('link-loop', `${toText(path)}: more than ${LINK_LIMIT} symbolic links`);
      }
      if (next.target === '') return undefined;
      if (next.target.startsWith('/')) {
        trail.length = 0;
        inode = root;
      }
      pending.push(...splitPath(next.target).reverse());
      continue;
    }
    trail.push({ name, directory: inode });
    inode = next;
  }
  return { path: `/${trail.map((step) => step.name).join('/')}`, inode };
}

/** The directory at a path, or undefined where there is none. */
export function lookupDirectory(root: Directory, path: ByteString): Directory | undefined {
  const found = lookup(root, path)?.inode;
  return found?.kind === 'directory' ? found : undefined;
}

/**
 * The bytes of a file that is known to be small; undefined where there is no such file.
 *
 * @param options.limit 16 MiB unless given
 * @throws TreeError `too-large` over the limit, `link-loop`
 */
export async function readFileIn(
  root: Directory,
  path: ByteString,
  options: { limit?: number; signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array | undefined> {
  const found = lookup(root, path)?.inode;
  if (found?.kind !== 'file') return undefined;
  const { limit = READ_LIMIT, signal } = options;
  const { size } = found.content;
  if (size > limit) {
    throw new TreeError(
      'too-large',
      `${toText(path)} has ${size} bytes, more than the ${limit} allowed here`,
    );
  }
  return readAll(found.content, limit, signal);
}

/**
 * Every inode below the root with its path, in byte order of the names, parents before children. The root itself is `/`.
 * Without recursion: an archive can hold a tree that is deeper than the call stack.
 */
export function* walk(root: Directory): Generator<Found> {
  yield { path: '/', inode: root };
  const pending = [{ prefix: '', entries: sortedEntries(root).values() }];
  for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
    const next = top.entries.next();
    if (next.done) {
      pending.pop();
      continue;
    }
    const [name, inode] = next.value;
    const path = `${top.prefix}/${name}`;
    yield { path, inode };
    if (inode.kind === 'directory') pending.push({ prefix: path, entries: sortedEntries(inode).values() });
  }
}

/** A directory's entries in byte order of their names: the order that everything is written in. */
export function sortedEntries(directory: Directory): [ByteString, Inode][] {
  return [...directory.entries].sort((a, b) => compareBytes(a[0], b[0]));
}

/**
 * Puts an inode at a path, through links as they stand, and makes the directories that are missing (root's, mode 0755).
 * What is at the path itself is replaced, a link too.
 *
 * @throws TreeError `not-a-directory` where the way there is not of directories, or the path ends in no name
 */
export function place(root: Directory, path: ByteString, inode: Inode): void {
  const names = splitPath(path);
  const last = names.pop();
  if (last === undefined) throw new TreeError('not-a-directory', 'the root of a tree cannot be replaced');
  if (last === '..') {
    throw new TreeError('not-a-directory', `${toText(path)} ends in no name that could be given to a file`);
  }
  ensureDirectory(root, names.join('/')).entries.set(last, inode);
}

/**
 * The directory at a path, made if missing, with its parents.
 *
 * @throws TreeError `not-a-directory` where something else is in the way, `link-loop`
 */
export function ensureDirectory(root: Directory, path: ByteString): Directory {
  let directory = root;
  let walked = '';
  for (const name of splitPath(path)) {
    walked += `/${name}`;
    const found = lookup(root, walked)?.inode;
    if (found === undefined) {
      if (directory.entries.has(name)) {
        throw new TreeError('not-a-directory', `${toText(walked)} is a link that leads nowhere`);
      }
      const made = makeDirectory({ mtime: root.mtime });
      directory.entries.set(name, made);
      directory = made;
    } else if (found.kind === 'directory') {
      directory = found;
    } else {
      throw new TreeError('not-a-directory', `${toText(walked)} is not a directory`);
    }
  }
  return directory;
}
