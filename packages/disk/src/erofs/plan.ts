import { alignUp, bytesOf, fromText, type Range } from '@cairn/bytes';
import type { DeviceNode, Directory, RegularFile } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { chooseChunkBits, indexSize, storedSize } from './chunks.ts';
import { collectInodes, type PlannedInode, pathOf } from './collect.ts';
import { directorySize } from './directory.ts';
import {
  BLOCK_SIZE,
  LAYOUT_CHUNKED,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  NULL_ADDRESS,
  SLOT_SIZE,
  SYMLINK_LIMIT,
} from './format.ts';
import { BlockPacker } from './packer.ts';
import { type ErofsSuperblock, newSuperblock } from './superblock.ts';
import { xattrSize } from './xattr.ts';

export interface ErofsOptions {
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** Up to 15 bytes of UTF-8. */
  readonly volumeLabel?: string;
  /** Seconds since 1970: inodes with this mtime take 32 bytes less. The root's mtime unless given. */
  readonly buildTime?: number;
}

/** Where everything goes in an image. Only `planErofs` makes it and only `writeErofs` looks inside. */
export interface ErofsLayout {
  /** The size of the image in bytes: a multiple of 4096. */
  readonly size: number;
  /** The number of inodes. */
  readonly inodes: number;
  readonly superblock: ErofsSuperblock;
  /** In the order of the tree; the first is the root. */
  readonly nodes: readonly Readonly<PlannedInode>[];
}

const UUID_SIZE = 16;
const LABEL_LIMIT = 15;
const ID_LIMIT = 0xffffffff;
const MAJOR_LIMIT = 0xfff;
const MINOR_LIMIT = 0xfffff;

/**
 * Decides where everything of a tree goes in an EROFS image: the superblock, the inodes with what is inline,
 * the blocks of directories and of long symbolic links, the blocks of files. Each in the order of the tree
 * (parents first, names in byte order), so that the image depends on the tree alone and not on how it was made.
 * Reads no content. The tree must stay as it is until the image is written.
 *
 * @throws DiskError `erofs-invalid-request` or `erofs-too-large`, naming the path
 */
export function planErofs(root: Directory, options: ErofsOptions): ErofsLayout {
  const volumeLabel = checkOptions(options);
  const buildTime = options.buildTime ?? root.mtime.seconds;
  const nodes = collectInodes(root);
  // The first block is the superblock's alone, so that it can be written before anything else is known.
  const packer = new BlockPacker(BLOCK_SIZE);
  for (const node of nodes) {
    measure(node, buildTime);
    node.position = packer.place(itemSize(node));
  }
  let end = packer.end;
  for (const node of nodes) if (node.inode.kind !== 'file') end = placeBlocks(node, end);
  for (const node of nodes) if (node.inode.kind === 'file') end = placeBlocks(node, end);
  const superblock = newSuperblock({
    blocks: end / BLOCK_SIZE,
    inodes: nodes.length,
    rootNid: (nodes[0] as PlannedInode).position / SLOT_SIZE,
    buildTime,
    uuid: options.uuid,
    volumeLabel,
    chunkedFiles: nodes.some((node) => node.layout === LAYOUT_CHUNKED),
  });
  return { size: end, inodes: nodes.length, superblock, nodes };
}

/** The ranges of a file that are stored; all of it where nothing is said. */
export function dataRanges(file: RegularFile, size: number): readonly Range[] {
  return file.content.data ?? [{ start: 0, end: size }];
}

/** The part of an inode's data that is inline: its last block where that is not full. */
export function inlineSize(node: Readonly<PlannedInode>): number {
  return node.layout === LAYOUT_INLINE ? node.size % BLOCK_SIZE : 0;
}

/** Gives the label's bytes. */
function checkOptions({ uuid, volumeLabel = '', buildTime = 0 }: ErofsOptions): Uint8Array {
  const label = bytesOf(fromText(volumeLabel));
  if (uuid.length !== UUID_SIZE) {
    throw new DiskError('erofs-invalid-request', `a UUID has ${UUID_SIZE} bytes, not ${uuid.length}`);
  }
  if (label.length > LABEL_LIMIT) {
    throw new DiskError(
      'erofs-invalid-request',
      `the volume label ${volumeLabel} has more than ${LABEL_LIMIT} bytes`,
    );
  }
  if (!Number.isSafeInteger(buildTime)) {
    throw new DiskError('erofs-invalid-request', `the build time ${buildTime} is not a number of seconds`);
  }
  return label;
}

/** Fills in sizes and forms. */
function measure(node: PlannedInode, buildTime: number): void {
  const { inode } = node;
  checkAttributes(node);
  node.size = dataSize(node);
  node.xattrSize = xattrSize(inode.xattrs, () => pathOf(node));
  node.extended =
    inode.mtime.seconds !== buildTime ||
    inode.mtime.nanoseconds !== 0 ||
    inode.uid > 0xffff ||
    inode.gid > 0xffff ||
    node.size > 0xffffffff ||
    node.links > 0xffff;
  node.chunkBits = sparseChunkBits(node);
  if (node.chunkBits > 0) {
    node.layout = LAYOUT_CHUNKED;
  } else {
    const tail = node.size % BLOCK_SIZE;
    node.layout = tail > 0 && node.headerSize + tail <= BLOCK_SIZE ? LAYOUT_INLINE : LAYOUT_PLAIN;
  }
}

function dataSize(node: PlannedInode): number {
  const { inode } = node;
  switch (inode.kind) {
    case 'file':
      if (!Number.isSafeInteger(inode.content.size) || inode.content.size < 0) {
        throw new DiskError('erofs-invalid-request', `${pathOf(node)}: ${inode.content.size} is not a size`);
      }
      return inode.content.size;
    case 'directory':
      return directorySize(node.names);
    case 'symlink':
      return symlinkSize(inode.target, node);
    case 'character-device':
    case 'block-device':
      checkDevice(inode, node);
      return 0;
    default:
      return 0;
  }
}

function symlinkSize(target: string, node: PlannedInode): number {
  if (target === '' || target.includes('\0')) {
    throw new DiskError(
      'erofs-invalid-request',
      `${pathOf(node)}: a symbolic link needs a target without zero bytes`,
    );
  }
  if (target.length > SYMLINK_LIMIT) {
    throw new DiskError(
      'erofs-too-large',
      `${pathOf(node)}: the target of the symbolic link has ${target.length} bytes, the limit is ${SYMLINK_LIMIT}`,
    );
  }
  return target.length;
}

function checkDevice(device: DeviceNode, node: PlannedInode): void {
  if (!isWithin(device.major, MAJOR_LIMIT) || !isWithin(device.minor, MINOR_LIMIT)) {
    throw new DiskError(
      'erofs-invalid-request',
      `${pathOf(node)}: Linux has no device ${device.major}:${device.minor}`,
    );
  }
}

function checkAttributes(node: PlannedInode): void {
  const { mode, uid, gid, mtime } = node.inode;
  if (!isWithin(mode, 0o7777) || !isWithin(uid, ID_LIMIT) || !isWithin(gid, ID_LIMIT)) {
    throw new DiskError(
      'erofs-invalid-request',
      `${pathOf(node)}: mode 0o${mode.toString(8)}, owner ${uid} or group ${gid} is out of range`,
    );
  }
  if (!Number.isSafeInteger(mtime.seconds) || !isWithin(mtime.nanoseconds, 999_999_999)) {
    throw new DiskError(
      'erofs-invalid-request',
      `${pathOf(node)}: ${mtime.seconds} seconds and ${mtime.nanoseconds} nanoseconds are not a time`,
    );
  }
}

function isWithin(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= limit;
}

/** The chunk size of a file whose holes are worth leaving out, else 0. */
function sparseChunkBits(node: PlannedInode): number {
  const { inode, size } = node;
  if (inode.kind !== 'file' || inode.content.data === undefined) return 0;
  let last = 0;
  for (const { start, end } of inode.content.data) {
    if (!(start >= last && end >= start && end <= size)) {
      throw new DiskError(
        'erofs-invalid-request',
        `${pathOf(node)}: its stored ranges are not in order or outside of its ${size} bytes`,
      );
    }
    last = end;
  }
  return chooseChunkBits(inode.content.data, size) ?? 0;
}

/** All that is stored in one piece with an inode. */
function itemSize(node: PlannedInode): number {
  const index = node.layout === LAYOUT_CHUNKED ? indexSize(node.size, node.chunkBits) : 0;
  return node.headerSize + inlineSize(node) + index;
}

/** Gives an inode's data that is not inline its blocks, from `start` on. */
function placeBlocks(node: PlannedInode, start: number): number {
  const size = blocksSize(node);
  if (size === 0) return start;
  const end = start + size;
  if (end / BLOCK_SIZE >= NULL_ADDRESS) {
    throw new DiskError(
      'erofs-too-large',
      `${pathOf(node)} goes beyond the ${NULL_ADDRESS} blocks that an EROFS file system can have`,
    );
  }
  node.block = start / BLOCK_SIZE;
  return end;
}

function blocksSize(node: PlannedInode): number {
  const { inode, layout, size } = node;
  if (layout === LAYOUT_CHUNKED && inode.kind === 'file') {
    return storedSize(dataRanges(inode, size), node.chunkBits, size);
  }
  return alignUp(size - inlineSize(node), BLOCK_SIZE);
}
