import { type ByteTarget, SequentialWriter, viewOf } from '@cairn/bytes';
import type { RegularFile } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { runSize, storedRuns } from './chunks.ts';
import { type PlannedInode, pathOf } from './collect.ts';
import { type DirectoryEntry, encodeDirectoryBlock, putText, splitDirectory } from './directory.ts';
import { BLOCK_BITS, BLOCK_SIZE, KINDS, LAYOUT_CHUNKED, NULL_ADDRESS, SLOT_SIZE } from './format.ts';
import { encodeDevice, encodeInode, inodeSize } from './inode.ts';
import { dataRanges, type ErofsLayout, inlineSize } from './plan.ts';
import { encodeFirstBlock } from './superblock.ts';
import { encodeXattrs } from './xattr.ts';

export interface ErofsWriteOptions {
  readonly signal?: AbortSignal;
  /** Called after each write to the target. */
  readonly onProgress?: (bytesWritten: number, total: number) => void;
}

/** A multiple of the block size, so that what stays within a block also stays within the buffer. */
const BUFFER_SIZE = 1 << 20;

type Node = Readonly<PlannedInode>;

/**
 * Writes a planned image, from its first byte to its last, in writes of up to 1 MiB.
 *
 * @throws DiskError `erofs-content` where a file cannot be read or is shorter than it was when planned
 */
export async function writeErofs(
  layout: ErofsLayout,
  target: ByteTarget,
  options: ErofsWriteOptions = {},
): Promise<void> {
  const writer = new SequentialWriter(reporting(target, layout.size, options), { capacity: BUFFER_SIZE });
  await writer.write(encodeFirstBlock(layout.superblock));
  const { signal } = options;
  for (const node of layout.nodes.toSorted((a, b) => a.position - b.position)) {
    if (writer.position < node.position) await writer.skipTo(node.position);
    await writeItem(node, writer, signal);
  }
  for (const node of layout.nodes) {
    if (node.inode.kind !== 'file' && node.block > 0) await writeBlocks(node, writer, signal);
  }
  for (const node of layout.nodes) {
    if (node.inode.kind === 'file' && node.block > 0) await writeBlocks(node, writer, signal);
  }
  await writer.skipTo(layout.size);
  await writer.flush();
}

function reporting(target: ByteTarget, total: number, { signal, onProgress }: ErofsWriteOptions): ByteTarget {
  return {
    async write(position, chunk) {
      signal?.throwIfAborted();
      await target.write(position, chunk);
      onProgress?.(position + chunk.length, total);
    },
  };
}

/** Writes an inode with all that follows it: extended attributes, then the chunk index or the end of its data. */
async function writeItem(node: Node, writer: SequentialWriter, signal?: AbortSignal): Promise<void> {
  const size = node.headerSize;
  if (size <= BLOCK_SIZE) {
    const room = await writer.room(size);
    encodeHeader(node, room);
    writer.advance(size);
  } else {
    const header = new Uint8Array(size);
    encodeHeader(node, header);
    await writer.write(header);
  }
  if (node.layout === LAYOUT_CHUNKED) {
    await writeChunkIndex(node, writer);
  } else {
    const tail = inlineSize(node);
    if (tail > 0) await writeData(node, node.size - tail, node.size, writer, signal);
  }
}

function encodeHeader(node: Node, bytes: Uint8Array): void {
  const { inode, extended, layout, size, xattrSize } = node;
  bytes.fill(0);
  encodeInode(
    {
      extended,
      kind: inode.kind,
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      links: node.links,
      seconds: inode.mtime.seconds,
      nanoseconds: inode.mtime.nanoseconds,
      size,
      layout,
      location: locationOf(node),
      xattrSize,
      number: node.number,
    },
    bytes,
  );
  if (xattrSize > 0) encodeXattrs(inode.xattrs, bytes.subarray(inodeSize(extended)));
}

function locationOf({ inode, layout, chunkBits, block }: Node): number {
  if (inode.kind === 'character-device' || inode.kind === 'block-device') {
    return encodeDevice(inode.major, inode.minor);
  }
  return layout === LAYOUT_CHUNKED ? chunkBits - BLOCK_BITS : block;
}

async function writeChunkIndex(
  { inode, size, chunkBits, block }: Node,
  writer: SequentialWriter,
): Promise<void> {
  if (inode.kind !== 'file') return;
  const blocksPerChunk = 2 ** (chunkBits - BLOCK_BITS);
  let chunk = 0;
  let address = block;
  for (const { first, end } of storedRuns(dataRanges(inode, size), chunkBits)) {
    await writeAddresses(first - chunk, NULL_ADDRESS, 0, writer);
    await writeAddresses(end - first, address, blocksPerChunk, writer);
    address += (end - first) * blocksPerChunk;
    chunk = end;
  }
  await writeAddresses(Math.ceil(size / 2 ** chunkBits) - chunk, NULL_ADDRESS, 0, writer);
}

async function writeAddresses(
  count: number,
  start: number,
  step: number,
  writer: SequentialWriter,
): Promise<void> {
  let address = start;
  for (let left = count; left > 0; ) {
    const view = viewOf(await writer.room(left * 4));
    for (let offset = 0; offset < view.byteLength; offset += 4) {
      view.setUint32(offset, address, true);
      address += step;
    }
    writer.advance(view.byteLength);
    left -= view.byteLength / 4;
  }
}

/** Writes the blocks of an inode's data. What the last one leaves free becomes zeros with the next thing that is written. */
async function writeBlocks(node: Node, writer: SequentialWriter, signal?: AbortSignal): Promise<void> {
  const { inode, size, layout, chunkBits } = node;
  let address = node.block * BLOCK_SIZE;
  await writer.skipTo(address);
  if (layout !== LAYOUT_CHUNKED || inode.kind !== 'file') {
    await writeData(node, 0, size - inlineSize(node), writer, signal);
    return;
  }
  for (const run of storedRuns(dataRanges(inode, size), chunkBits)) {
    await writer.skipTo(address);
    const end = Math.min(run.end * 2 ** chunkBits, size);
    await writeData(node, run.first * 2 ** chunkBits, end, writer, signal);
    address += runSize(run, chunkBits, size);
  }
}

/** Writes the bytes `[start, end)` of an inode's data. */
async function writeData(
  node: Node,
  start: number,
  end: number,
  writer: SequentialWriter,
  signal?: AbortSignal,
): Promise<void> {
  const { inode } = node;
  if (inode.kind === 'file') {
    await writeContent(node, inode, start, end, writer, signal);
  } else if (inode.kind === 'directory') {
    await writeDirectory(node, start, end, writer);
  } else if (inode.kind === 'symlink') {
    const room = await writer.room(end - start);
    putText(inode.target, room, 0);
    writer.advance(room.length);
  }
}

/** Reads straight into the writer's buffer, and waits only where the content does not answer at once. */
async function writeContent(
  node: Node,
  file: RegularFile,
  start: number,
  end: number,
  writer: SequentialWriter,
  signal?: AbortSignal,
): Promise<void> {
  const { content } = file;
  signal?.throwIfAborted();
  for (let position = start; position < end; ) {
    const room = await writer.room(end - position);
    let count: number;
    try {
      const answer = content.read(position, room, signal);
      count = typeof answer === 'number' ? answer : await answer;
    } catch (cause) {
      signal?.throwIfAborted();
      throw new DiskError('erofs-content', `${pathOf(node)} could not be read at byte ${position}`, {
        cause,
      });
    }
    if (!(count > 0 && count <= room.length)) {
      throw new DiskError(
        'erofs-content',
        `${pathOf(node)} ends at byte ${position}, it should have ${node.size} bytes`,
      );
    }
    writer.advance(count);
    position += count;
  }
}

async function writeDirectory(
  node: Node,
  start: number,
  end: number,
  writer: SequentialWriter,
): Promise<void> {
  let position = 0;
  for (let first = 0; first < node.names.length && position < end; ) {
    const split = splitDirectory(node.names, first);
    if (position >= start) {
      const room = await writer.room(Math.min(BLOCK_SIZE, end - position));
      encodeDirectoryBlock(entriesOf(node, first, split.end), room);
      writer.advance(room.length);
    }
    position += BLOCK_SIZE;
    first = split.end;
  }
}

function entriesOf(node: Node, first: number, end: number): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let i = first; i < end; i++) {
    const target = node.targets[i] as Node;
    entries.push({
      name: node.names[i] as string,
      nid: target.position / SLOT_SIZE,
      type: KINDS[target.inode.kind].dirent,
    });
  }
  return entries;
}
