import { alignUp, type ByteSource, type Content, type Range, readInto, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import {
  CHUNK_BITS_MASK,
  CHUNK_FORMAT_INDEXES,
  LAYOUT_CHUNKED,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  NULL_ADDRESS,
} from './format.ts';
import { inodeSize, type StoredInode } from './inode.ts';
import type { MetadataReader } from './metadata.ts';

/** Neighbouring bytes of a file that are neighbours in the image too. What no extent covers is a hole of zeros. */
export interface ErofsExtent {
  readonly fileOffset: number;
  readonly imageOffset: number;
  readonly length: number;
}

/** An inode, and where it was found. */
export interface LocatedInode extends StoredInode {
  readonly nid: number;
  /** In bytes. */
  readonly position: number;
}

/** The bytes of the index of a chunk-based inode; 0 for others. */
export function chunkIndexSize(inode: LocatedInode, blockSize: number): number {
  if (inode.layout !== LAYOUT_CHUNKED) return 0;
  const { unit, chunkSize } = chunkFormat(inode, blockSize);
  return Math.ceil(inode.size / chunkSize) * unit;
}

/**
 * Where the data of an inode is, ascending. Every extent is inside of the file system. Only a chunk index has to be read for it.
 *
 * @throws DiskError `erofs-malformed` or `erofs-unsupported`
 */
export function readExtents(
  inode: LocatedInode,
  blockSize: number,
  metadata: MetadataReader,
  signal?: AbortSignal,
): ErofsExtent[] | Promise<ErofsExtent[]> {
  if (inode.layout === LAYOUT_PLAIN) return flatExtents(inode, inode.size, blockSize, metadata);
  if (inode.layout === LAYOUT_INLINE) return inlineExtents(inode, blockSize, metadata);
  return chunkExtents(inode, blockSize, metadata, signal);
}

function flatExtents(
  inode: LocatedInode,
  length: number,
  blockSize: number,
  metadata: MetadataReader,
): ErofsExtent[] {
  if (length === 0) return [];
  const imageOffset = inode.location * blockSize;
  metadata.checkRange(imageOffset, length, `the data of inode ${inode.nid}`);
  return [{ fileOffset: 0, imageOffset, length }];
}

function inlineExtents(inode: LocatedInode, blockSize: number, metadata: MetadataReader): ErofsExtent[] {
  if (inode.size === 0) return [];
  const fileOffset = Math.floor((inode.size - 1) / blockSize) * blockSize;
  const length = inode.size - fileOffset;
  const imageOffset = inode.position + inodeSize(inode.extended) + inode.xattrSize;
  metadata.checkRange(imageOffset, length, `the inline data of inode ${inode.nid}`);
  if ((imageOffset % blockSize) + length > blockSize) {
    throw new DiskError(
      'erofs-malformed',
      `the inline data of inode ${inode.nid} crosses the end of a block`,
    );
  }
  return [...flatExtents(inode, fileOffset, blockSize, metadata), { fileOffset, imageOffset, length }];
}

async function chunkExtents(
  inode: LocatedInode,
  blockSize: number,
  metadata: MetadataReader,
  signal?: AbortSignal,
): Promise<ErofsExtent[]> {
  const { unit, chunkSize } = chunkFormat(inode, blockSize);
  const what = `the chunk index of inode ${inode.nid}`;
  const start = alignUp(inode.position + inodeSize(inode.extended) + inode.xattrSize, unit);
  const index = viewOf(await metadata.read(start, chunkIndexSize(inode, blockSize), what, signal));
  const extents: ErofsExtent[] = [];
  let fileOffset = 0;
  for (let entry = 0; entry < index.byteLength; entry += unit, fileOffset += chunkSize) {
    const address = index.getUint32(entry + unit - 4, true);
    if (address === NULL_ADDRESS) continue;
    if (unit === 8 && index.getUint16(entry + 2, true) !== 0) {
      throw new DiskError('erofs-unsupported', `the data of inode ${inode.nid} is on another device`);
    }
    const imageOffset = address * blockSize;
    const length = Math.min(chunkSize, inode.size - fileOffset);
    metadata.checkRange(imageOffset, length, `a chunk of inode ${inode.nid}`);
    const last = extents.at(-1);
    if (last !== undefined && isNext(last, fileOffset, imageOffset)) {
      extents[extents.length - 1] = { ...last, length: last.length + length };
    } else {
      extents.push({ fileOffset, imageOffset, length });
    }
  }
  return extents;
}

function isNext(last: ErofsExtent, fileOffset: number, imageOffset: number): boolean {
  return last.fileOffset + last.length === fileOffset && last.imageOffset + last.length === imageOffset;
}

function chunkFormat(
  inode: LocatedInode,
  blockSize: number,
): { readonly unit: 4 | 8; readonly chunkSize: number } {
  const { location } = inode;
  if (location > (CHUNK_BITS_MASK | CHUNK_FORMAT_INDEXES)) {
    throw new DiskError(
      'erofs-unsupported',
      `inode ${inode.nid} has the unknown chunk format 0x${location.toString(16)}`,
    );
  }
  return {
    unit: location & CHUNK_FORMAT_INDEXES ? 8 : 4,
    chunkSize: blockSize * 2 ** (location & CHUNK_BITS_MASK),
  };
}

/** The bytes of a file as its extents give them, with zeros for its holes. */
export function extentContent(source: ByteSource, size: number, extents: readonly ErofsExtent[]): Content {
  const stored = extents.reduce((sum, extent) => sum + extent.length, 0);
  return {
    size,
    ...(stored < size ? { data: dataRanges(extents) } : {}),
    read(position, target, signal) {
      const wanted = target.subarray(0, Math.max(0, size - position));
      const extent = extents[firstAfter(extents, position)];
      if (extent === undefined || !covers(extent, position, wanted.length)) {
        return readPieces(source, extents, position, wanted, signal);
      }
      return source.read(extent.imageOffset + position - extent.fileOffset, wanted, signal);
    },
  };
}

function covers(extent: ErofsExtent, position: number, length: number): boolean {
  return extent.fileOffset <= position && position + length <= extent.fileOffset + extent.length;
}

function dataRanges(extents: readonly ErofsExtent[]): Range[] {
  return extents.map(({ fileOffset, length }) => ({ start: fileOffset, end: fileOffset + length }));
}

/** The index of the first extent that ends after a position. */
function firstAfter(extents: readonly ErofsExtent[], position: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.fileOffset + extent.length <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function readPieces(
  source: ByteSource,
  extents: readonly ErofsExtent[],
  position: number,
  target: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<number> {
  const end = position + target.length;
  let at = position;
  for (let i = firstAfter(extents, position); at < end; i++) {
    const extent = extents[i];
    const dataStart = Math.min(end, Math.max(at, extent?.fileOffset ?? end));
    target.fill(0, at - position, dataStart - position);
    at = dataStart;
    if (extent === undefined || at === end) continue;
    const pieceEnd = Math.min(end, extent.fileOffset + extent.length);
    const piece = target.subarray(at - position, pieceEnd - position);
    await readInto(source, extent.imageOffset + at - extent.fileOffset, piece, signal);
    at = pieceEnd;
  }
  return target.length;
}
