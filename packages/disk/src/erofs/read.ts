import {
  type ByteSource,
  type ByteString,
  byteString,
  type Content,
  readExactly,
  readInto,
} from '@cairn/bytes';
import { type Directory, type Inode, makeDirectory, NO_XATTRS, type Timestamp } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { type DirectoryEntry, parseDirectoryBlock } from './directory.ts';
import {
  chunkIndexSize,
  type ErofsExtent,
  extentContent,
  type LocatedInode,
  readExtents,
} from './extents.ts';
import { type ErofsKind, EXTENDED_INODE_SIZE, KINDS, SLOT_SIZE, SYMLINK_LIMIT } from './format.ts';
import { decodeDevice, inodeSize, parseInode } from './inode.ts';
import { type LoadOptions, loadTree } from './load.ts';
import { MetadataReader } from './metadata.ts';
import type { ErofsEntry, ErofsStat } from './stat.ts';
import { type ErofsSuperblock, parseSuperblock } from './superblock.ts';
import { parseXattr, parseXattrs, type StoredXattr, type Xattrs, xattrEntrySize } from './xattr.ts';

const MAX_BLOCK_SIZE = 65536;

const kindByType: ReadonlyMap<number, ErofsKind> = new Map(
  (Object.keys(KINDS) as ErofsKind[]).map((kind) => [KINDS[kind].dirent, kind]),
);

/**
 * Opens an uncompressed EROFS file system, by our writer or by mkfs.erofs, that starts where the source does.
 * The source may be longer than the file system, as with a hash tree behind it. Only the superblock is read.
 *
 * @throws DiskError `erofs-malformed`, or `erofs-unsupported` for features that are not uncompressed EROFS
 */
export async function openErofs(
  source: ByteSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ErofsImage> {
  const start = new Uint8Array(Math.min(source.size, MAX_BLOCK_SIZE));
  await readInto(source, 0, start, options.signal);
  const superblock = parseSuperblock(start);
  const size = superblock.blocks * superblock.blockSize;
  if (size > source.size) {
    throw new DiskError(
      'erofs-malformed',
      `the EROFS file system has ${size} bytes, but there are only ${source.size}: it was cut off`,
    );
  }
  return new ErofsImage(source, superblock);
}

/**
 * A file system that is read as it is asked for. An inode is known by its nid, which starts from `root`
 * and comes from `readDirectory`. Every method throws DiskError `erofs-malformed` or `erofs-unsupported`
 * for what it finds wrong, and checks all it hands out: no extent is outside of the file system.
 */
export class ErofsImage {
  readonly superblock: ErofsSuperblock;
  /** The nid of the root directory. */
  readonly root: number;
  readonly #source: ByteSource;
  readonly #metadata: MetadataReader;
  readonly #shared = new Map<number, StoredXattr>();
  #sharedSize = 0;

  /** Made by `openErofs`. */
  constructor(source: ByteSource, superblock: ErofsSuperblock) {
    this.superblock = superblock;
    this.root = superblock.rootNid;
    this.#source = source;
    this.#metadata = new MetadataReader(source, superblock.blocks * superblock.blockSize);
  }

  /** The size of the file system in bytes. */
  get size(): number {
    return this.#metadata.limit;
  }

  async stat(nid: number, signal?: AbortSignal): Promise<ErofsStat> {
    const inode = await this.#inode(nid, signal);
    const { kind, mode, uid, gid, links, size } = inode;
    const indexSize = chunkIndexSize(inode, this.superblock.blockSize);
    const metadataSize = inodeSize(inode.extended) + inode.xattrSize + indexSize;
    const stat = { nid, kind, mode, uid, gid, mtime: this.#mtimeOf(inode), links, size, metadataSize };
    const isDevice = kind === 'character-device' || kind === 'block-device';
    return isDevice ? { ...stat, device: decodeDevice(inode.location) } : stat;
  }

  /** The inode in the shape that trees have; a directory without its entries. Contents stay in the image. */
  async inode(nid: number, signal?: AbortSignal): Promise<Inode> {
    const inode = await this.#inode(nid, signal);
    const { kind, mode, uid, gid } = inode;
    const xattrs = inode.xattrSize === 0 ? NO_XATTRS : await this.#xattrsOf(inode, signal);
    const attributes = { mode, uid, gid, mtime: this.#mtimeOf(inode), xattrs };
    switch (kind) {
      case 'directory':
        return makeDirectory(attributes);
      case 'file':
        return { kind, ...attributes, content: await this.#contentOf(inode, signal) };
      case 'symlink':
        return { kind, ...attributes, target: await this.#targetOf(inode, signal) };
      case 'character-device':
      case 'block-device':
        return { kind, ...attributes, ...decodeDevice(inode.location) };
      default:
        return { kind, ...attributes };
    }
  }

  /** The names in a directory in byte order, without `.` and `..`. */
  async readDirectory(nid: number, signal?: AbortSignal): Promise<ErofsEntry[]> {
    const inode = await this.#inode(nid, signal, 'directory');
    this.#metadata.checkRange(0, inode.size, `directory ${nid}`);
    const content = await this.#contentOf(inode, signal);
    const { blockSize } = this.superblock;
    const block = new Uint8Array(Math.min(blockSize, inode.size));
    const entries: ErofsEntry[] = [];
    let last = '';
    for (let position = 0; position < inode.size; position += blockSize) {
      const part = block.subarray(0, inode.size - position);
      await readInto(content, position, part, signal);
      for (const entry of parseDirectoryBlock(part, `directory ${nid}`)) {
        // Linux finds names by bisection: what is out of order is there for some readers and not for others.
        if (entry.name <= last) {
          throw new DiskError('erofs-malformed', `directory ${nid} has names that are not in order`);
        }
        last = entry.name;
        if (entry.name !== '.' && entry.name !== '..') entries.push(checkedEntry(entry, nid));
      }
    }
    return entries;
  }

  /** The bytes of a regular file, with its holes known. */
  async content(nid: number, signal?: AbortSignal): Promise<Content> {
    return this.#contentOf(await this.#inode(nid, signal, 'file'), signal);
  }

  /** Where in the image a regular file's bytes are, the inline end included. */
  async extents(nid: number, signal?: AbortSignal): Promise<ErofsExtent[]> {
    const inode = await this.#inode(nid, signal, 'file');
    return readExtents(inode, this.superblock.blockSize, this.#metadata, signal);
  }

  /** What a symbolic link leads to. */
  async readLink(nid: number, signal?: AbortSignal): Promise<ByteString> {
    return this.#targetOf(await this.#inode(nid, signal, 'symlink'), signal);
  }

  /** The extended attributes by full name. */
  async xattrs(nid: number, signal?: AbortSignal): Promise<Xattrs> {
    return this.#xattrsOf(await this.#inode(nid, signal), signal);
  }

  /**
   * The whole tree, in the shape that `planErofs` takes. Names with the same nid are one inode. Contents stay in the image.
   *
   * @throws DiskError `erofs-too-large` beyond the limits that were given
   */
  loadTree(options: LoadOptions = {}): Promise<Directory> {
    return loadTree(this, options);
  }

  async #inode(nid: number, signal?: AbortSignal, wanted?: ErofsKind): Promise<LocatedInode> {
    const where = `inode ${nid}`;
    if (!Number.isSafeInteger(nid)) throw new DiskError('erofs-malformed', `${where} cannot be`);
    const position = this.superblock.metadataBlock * this.superblock.blockSize + nid * SLOT_SIZE;
    this.#metadata.checkRange(position, SLOT_SIZE, where);
    const length = Math.min(EXTENDED_INODE_SIZE, this.size - position);
    const read = this.#metadata.read(position, length, where, signal);
    const stored = parseInode(read instanceof Uint8Array ? read : await read, where);
    if (wanted !== undefined && stored.kind !== wanted) {
      throw new DiskError('erofs-malformed', `${where} is a ${stored.kind}, not a ${wanted}`);
    }
    return { ...stored, nid, position };
  }

  #mtimeOf({ extended, seconds, nanoseconds }: LocatedInode): Timestamp {
    const { buildTime, buildTimeNanoseconds } = this.superblock;
    return extended ? { seconds, nanoseconds } : { seconds: buildTime, nanoseconds: buildTimeNanoseconds };
  }

  async #contentOf(inode: LocatedInode, signal?: AbortSignal): Promise<Content> {
    const extents = await readExtents(inode, this.superblock.blockSize, this.#metadata, signal);
    return extentContent(this.#source, inode.size, extents);
  }

  async #targetOf(inode: LocatedInode, signal?: AbortSignal): Promise<ByteString> {
    const { nid, size } = inode;
    if (size === 0 || size > SYMLINK_LIMIT) {
      throw new DiskError('erofs-malformed', `the symbolic link ${nid} has a target of ${size} bytes`);
    }
    const bytes = await readExactly(await this.#contentOf(inode, signal), 0, size, signal);
    if (bytes.includes(0)) {
      throw new DiskError('erofs-malformed', `the symbolic link ${nid} has a zero byte in its target`);
    }
    return byteString(bytes);
  }

  async #xattrsOf(inode: LocatedInode, signal?: AbortSignal): Promise<Xattrs> {
    const where = `inode ${inode.nid}`;
    const start = inode.position + inodeSize(inode.extended);
    const { own, shared } = parseXattrs(
      await this.#metadata.read(start, inode.xattrSize, `the attributes of ${where}`, signal),
      where,
    );
    const all = [...own];
    for (const id of shared) all.push(await this.#sharedXattr(id, where, signal));
    const xattrs = new Map(all.map(({ name, value }) => [name, value]));
    if (xattrs.size < all.length) {
      throw new DiskError('erofs-malformed', `${where} has the same extended attribute twice`);
    }
    return xattrs;
  }

  /** Kept, as many inodes share one. They do not lie over each other, so all of them are smaller than the image. */
  async #sharedXattr(id: number, where: string, signal?: AbortSignal): Promise<StoredXattr> {
    const known = this.#shared.get(id);
    if (known !== undefined) return known;
    const position = this.superblock.xattrBlock * this.superblock.blockSize + id * 4;
    const what = `the shared attribute ${id} of ${where}`;
    const size = xattrEntrySize(await this.#metadata.read(position, 4, what, signal));
    const xattr = parseXattr(await this.#metadata.read(position, size, what, signal), where);
    this.#sharedSize += size;
    if (this.#sharedSize > this.size) {
      throw new DiskError('erofs-malformed', 'the shared extended attributes lie over each other');
    }
    this.#shared.set(id, xattr);
    return xattr;
  }
}

function checkedEntry({ name, nid, type }: DirectoryEntry, directory: number): ErofsEntry {
  if (!Number.isSafeInteger(nid)) {
    throw new DiskError('erofs-malformed', `directory ${directory} names the impossible inode ${nid}`);
  }
  return { name, nid, kind: kindByType.get(type) };
}
