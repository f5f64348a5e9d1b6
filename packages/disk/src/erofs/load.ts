import { type ByteString, toText } from '@cairn/bytes';
import type { Directory, Inode } from '@cairn/tree';
import { DiskError } from '../error.ts';
import type { ErofsEntry, ErofsStat } from './stat.ts';

export interface LoadOptions {
  /** How many inodes may be loaded: 4,194,304 unless given. */
  readonly maxInodes?: number;
  /** How deep directories may lie in each other: 2048, more than Linux can reach by one path, unless given. */
  readonly maxDepth?: number;
  readonly signal?: AbortSignal;
}

/** What loading needs of an image. */
interface InodeReader {
  readonly root: number;
  readonly size: number;
  stat(nid: number, signal?: AbortSignal): Promise<ErofsStat>;
  readDirectory(nid: number, signal?: AbortSignal): Promise<ErofsEntry[]>;
  inode(nid: number, signal?: AbortSignal): Promise<Inode>;
}

interface OpenDirectory {
  readonly nid: number;
  readonly path: ByteString;
  readonly depth: number;
  readonly directory: Directory;
}

const MAX_INODES = 1 << 22;
const MAX_DEPTH = 2048;

/** Loads all inodes of an image, directory by directory. */
export async function loadTree(image: InodeReader, options: LoadOptions): Promise<Directory> {
  const loader = new Loader(image, options);
  const root = await loader.inode(image.root);
  if (root.kind !== 'directory') {
    throw new DiskError('erofs-malformed', `the root is a ${root.kind}, not a directory`);
  }
  const pending: OpenDirectory[] = [{ nid: image.root, path: '', depth: 1, directory: root }];
  for (let open = pending.pop(); open !== undefined; open = pending.pop()) {
    for (const entry of await image.readDirectory(open.nid, options.signal)) {
      const path = `${open.path}/${entry.name}`;
      const inode = await loader.entry(entry, path);
      open.directory.entries.set(entry.name, inode);
      if (inode.kind === 'directory') {
        pending.push({ nid: entry.nid, path, depth: loader.deeper(open.depth, path), directory: inode });
      }
    }
  }
  return root;
}

class Loader {
  readonly #image: InodeReader;
  readonly #options: LoadOptions;
  readonly #known = new Map<number, Inode>();
  #metadata = 0;

  constructor(image: InodeReader, options: LoadOptions) {
    this.#image = image;
    this.#options = options;
  }

  /** The inode that a name leads to: the same one each time for hard links. */
  async entry({ nid, kind }: ErofsEntry, path: ByteString): Promise<Inode> {
    const known = this.#known.get(nid);
    if (known?.kind === 'directory') {
      throw new DiskError('erofs-malformed', `${toText(path)} is a directory that has another name already`);
    }
    const inode = known ?? (await this.inode(nid));
    if (kind !== undefined && kind !== inode.kind) {
      throw new DiskError(
        'erofs-malformed',
        `${toText(path)} is a ${kind} by its directory, but a ${inode.kind} by its inode`,
      );
    }
    return inode;
  }

  async inode(nid: number): Promise<Inode> {
    const { maxInodes = MAX_INODES, signal } = this.#options;
    signal?.throwIfAborted();
    if (this.#known.size >= maxInodes) {
      throw new DiskError('erofs-too-large', `the file system has more than the ${maxInodes} inodes allowed`);
    }
    this.#account(await this.#image.stat(nid, signal));
    const inode = await this.#image.inode(nid, signal);
    this.#known.set(nid, inode);
    return inode;
  }

  deeper(depth: number, path: ByteString): number {
    const { maxDepth = MAX_DEPTH } = this.#options;
    if (depth >= maxDepth) {
      throw new DiskError(
        'erofs-too-large',
        `${toText(path)} is deeper than the ${maxDepth} directories allowed`,
      );
    }
    return depth + 1;
  }

  /**
   * What inodes, directories and links take adds up to no more than the image, as none lies over another. An
   * image that breaks this could make a small file fill all memory.
   */
  #account(stat: ErofsStat): void {
    const inMemory = stat.kind === 'directory' || stat.kind === 'symlink' ? stat.size : 0;
    this.#metadata += stat.metadataSize + inMemory;
    if (this.#metadata > this.#image.size) {
      throw new DiskError('erofs-malformed', 'the inodes of the file system lie over each other');
    }
  }
}
