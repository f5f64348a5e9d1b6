import { crc32cRaw, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import {
  BLOCK_BITS,
  BLOCK_SIZE,
  FEATURE_COMPAT_CHECKSUM,
  FEATURE_COMPAT_MTIME,
  FEATURE_INCOMPAT_CHUNKED_FILE,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
  SUPERBLOCK_SIZE,
} from './format.ts';

export interface ErofsSuperblock {
  /** Bytes of a block: a power of two from 512 to 65536. */
  readonly blockSize: number;
  /** The size of the file system in blocks. */
  readonly blocks: number;
  readonly inodes: number;
  readonly rootNid: number;
  /** The block that inode numbers are counted from. */
  readonly metadataBlock: number;
  /** The block that shared extended attributes are counted from. */
  readonly xattrBlock: number;
  /** The mtime of compact inodes, in seconds since 1970, and the nanoseconds. */
  readonly buildTime: number;
  readonly buildTimeNanoseconds: number;
  readonly uuid: Uint8Array;
  /** Up to 16 bytes. */
  readonly volumeLabel: Uint8Array;
  readonly compatibleFeatures: number;
  readonly incompatibleFeatures: number;
}

const KNOWN_INCOMPATIBLE = FEATURE_INCOMPAT_CHUNKED_FILE;

/** The incompatible features that have a name here, so that the error of the reader says which one it met. */
const FEATURE_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [0x1, 'compression (zero padding)'],
  [0x2, 'compression (configurations or big clusters)'],
  [0x8, 'a device table or a second compression algorithm'],
  [0x10, 'compressed tails'],
  [0x20, 'fragments or deduplication'],
  [0x40, 'long prefixes of extended attributes'],
  [0x80, '48-bit addresses'],
  [0x100, 'a compressed metadata area'],
];

/** The first block of an image by our writer: the superblock with its checksum, zeros around it. */
export function encodeFirstBlock(superblock: ErofsSuperblock): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = new DataView(block.buffer, SUPERBLOCK_OFFSET);
  view.setUint32(0, SUPERBLOCK_MAGIC, true);
  view.setUint32(8, superblock.compatibleFeatures, true);
  view.setUint8(12, BLOCK_BITS);
  view.setUint16(14, superblock.rootNid, true);
  view.setBigUint64(16, BigInt(superblock.inodes), true);
  view.setBigInt64(24, BigInt(superblock.buildTime), true);
  view.setUint32(32, superblock.buildTimeNanoseconds, true);
  view.setUint32(36, superblock.blocks, true);
  view.setUint32(40, superblock.metadataBlock, true);
  view.setUint32(44, superblock.xattrBlock, true);
  block.set(superblock.uuid, SUPERBLOCK_OFFSET + 48);
  block.set(superblock.volumeLabel, SUPERBLOCK_OFFSET + 64);
  view.setUint32(80, superblock.incompatibleFeatures, true);
  view.setUint32(4, crc32cRaw(block.subarray(SUPERBLOCK_OFFSET)), true);
  return block;
}

/** What our writer's superblocks have in common. */
export function newSuperblock(
  given: Pick<ErofsSuperblock, 'blocks' | 'inodes' | 'rootNid' | 'buildTime' | 'uuid' | 'volumeLabel'> & {
    readonly chunkedFiles: boolean;
  },
): ErofsSuperblock {
  const { chunkedFiles, ...fields } = given;
  return {
    ...fields,
    blockSize: BLOCK_SIZE,
    metadataBlock: 0,
    xattrBlock: 0,
    buildTimeNanoseconds: 0,
    compatibleFeatures: FEATURE_COMPAT_CHECKSUM | FEATURE_COMPAT_MTIME,
    incompatibleFeatures: chunkedFiles ? FEATURE_INCOMPAT_CHUNKED_FILE : 0,
  };
}

/**
 * Reads a superblock from the image's first bytes: as many as the first block, or all that there are.
 *
 * @throws DiskError `erofs-malformed` or `erofs-unsupported`
 */
export function parseSuperblock(start: Uint8Array): ErofsSuperblock {
  if (start.length < SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE) {
    throw new DiskError('erofs-malformed', `${start.length} bytes are too few for an EROFS file system`);
  }
  const view = viewOf(start.subarray(SUPERBLOCK_OFFSET));
  if (view.getUint32(0, true) !== SUPERBLOCK_MAGIC) {
    throw new DiskError('erofs-malformed', 'this is not an EROFS file system: its magic number is missing');
  }
  const blockBits = view.getUint8(12);
  if (blockBits < 9 || blockBits > 16) {
    throw new DiskError('erofs-malformed', `a block size of 2^${blockBits} bytes is not possible in EROFS`);
  }
  const blockSize = 2 ** blockBits;
  const compatibleFeatures = view.getUint32(8, true);
  if (compatibleFeatures & FEATURE_COMPAT_CHECKSUM) checkSum(start, blockSize);
  const incompatibleFeatures = view.getUint32(80, true);
  checkFeatures(incompatibleFeatures);
  if (view.getUint8(90) !== 0) {
    throw new DiskError('erofs-unsupported', 'directory blocks of another size than data blocks');
  }
  const buildTime = Number(view.getBigInt64(24, true));
  return {
    blockSize,
    blocks: view.getUint32(36, true),
    inodes: Number(view.getBigUint64(16, true)),
    rootNid: view.getUint16(14, true),
    metadataBlock: view.getUint32(40, true),
    xattrBlock: view.getUint32(44, true),
    buildTime,
    buildTimeNanoseconds: view.getUint32(32, true),
    uuid: start.slice(SUPERBLOCK_OFFSET + 48, SUPERBLOCK_OFFSET + 64),
    volumeLabel: start.slice(SUPERBLOCK_OFFSET + 64, SUPERBLOCK_OFFSET + 80),
    compatibleFeatures,
    incompatibleFeatures,
  };
}

function checkSum(start: Uint8Array, blockSize: number): void {
  // The sum covers the rest of the first block; for blocks of up to 1 KiB that is what follows in the next one.
  const end = blockSize > SUPERBLOCK_OFFSET ? blockSize : SUPERBLOCK_OFFSET + blockSize;
  if (start.length < end) {
    throw new DiskError('erofs-malformed', `the image ends at ${start.length}, inside of its first block`);
  }
  const covered = start.slice(SUPERBLOCK_OFFSET, end);
  const stored = viewOf(covered).getUint32(4, true);
  covered.fill(0, 4, 8);
  if (crc32cRaw(covered) !== stored) {
    throw new DiskError('erofs-malformed', 'the checksum of the EROFS superblock is wrong');
  }
}

function checkFeatures(features: number): void {
  const unknown = (features & ~KNOWN_INCOMPATIBLE) >>> 0;
  if (unknown === 0) return;
  const names = FEATURE_NAMES.filter(([bit]) => unknown & bit).map(([, name]) => name);
  const unnamed = FEATURE_NAMES.reduce((left, [bit]) => (left & ~bit) >>> 0, unknown);
  if (unnamed !== 0) names.push(`unknown features 0x${unnamed.toString(16)}`);
  throw new DiskError('erofs-unsupported', `the EROFS file system uses ${names.join(', ')}`, {
    hint: 'only uncompressed images are read: make it with mkfs.erofs without -z',
  });
}
