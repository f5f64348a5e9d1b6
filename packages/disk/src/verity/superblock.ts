import { byteString, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';

/** Of the data and of the hash tree alike. */
export const VERITY_BLOCK_SIZE = 4096;
export const VERITY_SUPERBLOCK_SIZE = 512;
export const SALT_LIMIT = 256;
export const UUID_SIZE = 16;

const SIGNATURE = 'verity\0\0';
const VERSION = 1;
/** The salt comes before the data, and digests fill a block without gaps. */
const HASH_TYPE = 1;
const ALGORITHM = 'sha256';
const ALGORITHM_SIZE = 32;

const OFFSET = {
  version: 8,
  hashType: 12,
  uuid: 16,
  algorithm: 32,
  dataBlockSize: 64,
  hashBlockSize: 68,
  dataBlocks: 72,
  saltSize: 80,
  salt: 88,
} as const;

/** What cryptsetup's on-disk header of a dm-verity tree says; SHA-256 and blocks of 4096 bytes are understood. */
export interface VeritySuperblock {
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  readonly dataBlocks: number;
  /** Up to 256 bytes. */
  readonly salt: Uint8Array;
}

/** The 512 bytes of the header. */
export function encodeVeritySuperblock(superblock: VeritySuperblock): Uint8Array {
  const bytes = new Uint8Array(VERITY_SUPERBLOCK_SIZE);
  const view = viewOf(bytes);
  bytes.set(Buffer.from(SIGNATURE, 'latin1'));
  view.setUint32(OFFSET.version, VERSION, true);
  view.setUint32(OFFSET.hashType, HASH_TYPE, true);
  bytes.set(superblock.uuid, OFFSET.uuid);
  bytes.set(Buffer.from(ALGORITHM, 'latin1'), OFFSET.algorithm);
  view.setUint32(OFFSET.dataBlockSize, VERITY_BLOCK_SIZE, true);
  view.setUint32(OFFSET.hashBlockSize, VERITY_BLOCK_SIZE, true);
  view.setBigUint64(OFFSET.dataBlocks, BigInt(superblock.dataBlocks), true);
  view.setUint16(OFFSET.saltSize, superblock.salt.length, true);
  bytes.set(superblock.salt, OFFSET.salt);
  return bytes;
}

/**
 * Reads the header from the bytes that start with it.
 *
 * @throws DiskError `verity-malformed`, or `verity-unsupported` for another algorithm or block size
 */
export function parseVeritySuperblock(bytes: Uint8Array): VeritySuperblock {
  if (bytes.length < VERITY_SUPERBLOCK_SIZE) {
    throw new DiskError(
      'verity-malformed',
      `a dm-verity header has ${VERITY_SUPERBLOCK_SIZE} bytes, there are ${bytes.length}`,
    );
  }
  if (byteString(bytes.subarray(0, SIGNATURE.length)) !== SIGNATURE) {
    throw new DiskError('verity-malformed', 'there is no dm-verity header: its signature is missing');
  }
  const view = viewOf(bytes);
  const version = view.getUint32(OFFSET.version, true);
  const hashType = view.getUint32(OFFSET.hashType, true);
  const dataBlockSize = view.getUint32(OFFSET.dataBlockSize, true);
  const hashBlockSize = view.getUint32(OFFSET.hashBlockSize, true);
  const [algorithm = ''] = byteString(
    bytes.subarray(OFFSET.algorithm, OFFSET.algorithm + ALGORITHM_SIZE),
  ).split('\0');
  if (version !== VERSION || hashType !== HASH_TYPE) {
    throw new DiskError('verity-unsupported', `dm-verity version ${version} with hash type ${hashType}`);
  }
  if (algorithm !== ALGORITHM || dataBlockSize !== VERITY_BLOCK_SIZE || hashBlockSize !== VERITY_BLOCK_SIZE) {
    throw new DiskError(
      'verity-unsupported',
      `dm-verity with ${JSON.stringify(algorithm)}, data blocks of ${dataBlockSize} and hash blocks of ${hashBlockSize} bytes`,
      { hint: `${ALGORITHM} with blocks of ${VERITY_BLOCK_SIZE} bytes is what is supported` },
    );
  }
  const dataBlocks = Number(view.getBigUint64(OFFSET.dataBlocks, true));
  if (dataBlocks < 1 || !Number.isSafeInteger(dataBlocks * VERITY_BLOCK_SIZE)) {
    throw new DiskError('verity-malformed', `a dm-verity tree cannot be over ${dataBlocks} data blocks`);
  }
  const saltSize = view.getUint16(OFFSET.saltSize, true);
  if (saltSize > SALT_LIMIT) {
    throw new DiskError('verity-malformed', `a dm-verity salt cannot have ${saltSize} bytes`);
  }
  return {
    uuid: bytes.slice(OFFSET.uuid, OFFSET.uuid + UUID_SIZE),
    dataBlocks,
    salt: bytes.slice(OFFSET.salt, OFFSET.salt + saltSize),
  };
}
