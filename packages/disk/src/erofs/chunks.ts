import { alignUp, type Range } from '@cairn/bytes';
import { BLOCK_BITS, BLOCK_SIZE } from './format.ts';

/** Chunks of 1 GiB make any index small; some readers overflow above 2^31. */
const MAX_CHUNK_BITS = 30;
export const INDEX_ENTRY_SIZE = 4;

/** Neighbouring chunks that are stored: `[first, end)`. */
export interface ChunkRun {
  readonly first: number;
  readonly end: number;
}

/** The chunks that hold any data, ascending, as runs with holes between them. */
export function* storedRuns(data: readonly Range[], chunkBits: number): Generator<ChunkRun> {
  const chunkSize = 2 ** chunkBits;
  let first = 0;
  let end = 0;
  for (const range of data) {
    if (range.end <= range.start) continue;
    const from = Math.floor(range.start / chunkSize);
    if (from > end) {
      if (end > first) yield { first, end };
      first = from;
    }
    end = Math.ceil(range.end / chunkSize);
  }
  if (end > first) yield { first, end };
}

/** The bytes that a run takes in the image: whole chunks, but only the blocks up to the end of the file. */
export function runSize(run: ChunkRun, chunkBits: number, fileSize: number): number {
  return alignUp(Math.min(run.end * 2 ** chunkBits, fileSize), BLOCK_SIZE) - run.first * 2 ** chunkBits;
}

/** The bytes of a sparse file's index. */
export function indexSize(fileSize: number, chunkBits: number): number {
  return Math.ceil(fileSize / 2 ** chunkBits) * INDEX_ENTRY_SIZE;
}

/** The bytes of a sparse file's chunks. */
export function storedSize(data: readonly Range[], chunkBits: number, fileSize: number): number {
  let size = 0;
  for (const run of storedRuns(data, chunkBits)) size += runSize(run, chunkBits, fileSize);
  return size;
}

/**
 * The chunk size, as a power of two, with which index and chunks together take the least; the larger one of
 * equals. Undefined where a file takes no more without chunks.
 */
export function chooseChunkBits(data: readonly Range[], fileSize: number): number | undefined {
  let best: number | undefined;
  let bestSize = alignUp(fileSize, BLOCK_SIZE);
  for (let bits = MAX_CHUNK_BITS; bits >= BLOCK_BITS; bits--) {
    const size = indexSize(fileSize, bits) + storedSize(data, bits, fileSize);
    if (size < bestSize) {
      best = bits;
      bestSize = size;
    }
  }
  return best;
}
