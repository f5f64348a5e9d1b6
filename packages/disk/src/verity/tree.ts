import { hash } from 'node:crypto';
import { type ByteString, byteString } from '@cairn/bytes';
import { VERITY_BLOCK_SIZE } from './superblock.ts';

export const DIGEST_SIZE = 32;
export const DIGESTS_PER_BLOCK = VERITY_BLOCK_SIZE / DIGEST_SIZE;

/** The blocks of hashes over the level below, or over the data. */
export interface VerityLevel {
  /** The position of its first block, counted from the start of the header. */
  readonly start: number;
  readonly blocks: number;
}

/** Where the levels of a hash tree are; the lowest, over the data, comes first here and last on disk. */
export function verityLevels(dataBlocks: number): VerityLevel[] {
  const counts: number[] = [];
  for (let blocks = dataBlocks; blocks > 1; ) {
    blocks = Math.ceil(blocks / DIGESTS_PER_BLOCK);
    counts.push(blocks);
  }
  const levels: VerityLevel[] = [];
  let start = VERITY_BLOCK_SIZE;
  for (const blocks of counts.reverse()) {
    levels.unshift({ start, blocks });
    start += blocks * VERITY_BLOCK_SIZE;
  }
  return levels;
}

/** The bytes of header and hash tree, which come after the data. */
export function veritySize(dataSize: number): number {
  const levels = verityLevels(Math.ceil(dataSize / VERITY_BLOCK_SIZE));
  return levels.reduce((sum, level) => sum + level.blocks * VERITY_BLOCK_SIZE, VERITY_BLOCK_SIZE);
}

/** SHA-256 of the salt and a block. */
export type BlockDigest = (block: Uint8Array) => ByteString;

/**
 * The digest is a byte string because Node hands small strings over a fifth faster than buffers, and a
 * digest for each block is all that this module spends its time on.
 */
export function blockDigest(salt: Uint8Array): BlockDigest {
  if (salt.length === 0) return (block) => hash('sha256', block, 'latin1');
  const salted = new Uint8Array(salt.length + VERITY_BLOCK_SIZE);
  salted.set(salt);
  return (block) => {
    salted.set(block, salt.length);
    return hash('sha256', salted, 'latin1');
  };
}

export function digestAt(block: Uint8Array, index: number): ByteString {
  return byteString(block.subarray(index * DIGEST_SIZE, (index + 1) * DIGEST_SIZE));
}
