import assert from 'node:assert/strict';
import type { ByteSource } from '@cairn/bytes';
import { DiskError } from '../src/error.ts';

/**
 * Damaged inputs for the parsers' tests: the same seed gives the same inputs, so that a failure is found again
 * by its seed and its number.
 */

/** Mulberry32: a generator of 32-bit numbers with 32 bits of state, good enough to pick places and values. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Values at which length and offset checks tend to be wrong. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

type Random = () => number;
type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const IN_PLACE: readonly ((bytes: Uint8Array, at: number, random: Random) => void)[] = [
  function flipBit(bytes, at, random) {
    bytes[at] = (bytes[at] as number) ^ (1 << (random() & 7));
  },
  function setByte(bytes, at, random) {
    bytes[at] = random();
  },
  function setEdge(bytes, at, random) {
    const width = 1 << (random() % 4);
    const value = BigInt(EDGES[random() % EDGES.length] as number) - (random() % 4 === 0 ? 1n : 0n);
    for (let index = 0; index < width && at + index < bytes.length; index++) {
      bytes[at + index] = Number((value >> BigInt(index * 8)) & 0xffn);
    }
  },
  function step(bytes, at, random) {
    bytes[at] = (bytes[at] as number) + ((random() % 17) - 8);
  },
  function copyWithin(bytes, at, random) {
    const from = random() % bytes.length;
    bytes.copyWithin(at, from, from + 1 + (random() % 64));
  },
  function fill(bytes, at, random) {
    bytes.fill(random() % 2 === 0 ? 0 : 0xff, at, at + 1 + (random() % 64));
  },
];

const RESIZING: readonly Mutation[] = [
  function truncate(bytes, random) {
    return bytes.slice(0, random() % (bytes.length + 1));
  },
  function remove(bytes, random) {
    const at = random() % bytes.length;
    const end = Math.min(bytes.length, at + 1 + (random() % 512));
    const shorter = new Uint8Array(bytes.length - (end - at));
    shorter.set(bytes.subarray(0, at));
    shorter.set(bytes.subarray(end), at);
    return shorter;
  },
  function duplicate(bytes, random) {
    const at = random() % bytes.length;
    const end = Math.min(bytes.length, at + 1 + (random() % 512));
    const longer = new Uint8Array(bytes.length + (end - at));
    longer.set(bytes.subarray(0, end));
    longer.set(bytes.subarray(at), end);
    return longer;
  },
];

function mutate(original: Uint8Array, random: Random): Uint8Array {
  if (original.length === 0) return new Uint8Array(random() % 16);
  if (random() % 8 === 0) {
    const resize = RESIZING[random() % RESIZING.length] as Mutation;
    return resize(original, random);
  }
  const bytes = original.slice();
  const changes = 1 + (random() % 4);
  for (let change = 0; change < changes; change++) {
    const inPlace = IN_PLACE[random() % IN_PLACE.length] as (typeof IN_PLACE)[number];
    inPlace(bytes, random() % bytes.length, random);
  }
  return bytes;
}

/** `count` damaged copies of the corpus' inputs, in turn. Each is a buffer of its own. */
export function* mutations(
  seed: number,
  corpus: readonly Uint8Array[],
  count: number,
): Generator<Uint8Array> {
  const random = mulberry32(seed);
  for (let index = 0; index < count; index++) {
    yield mutate(corpus[index % corpus.length] ?? new Uint8Array(), random);
  }
}

export interface Ordeal {
  readonly seed: number;
  readonly corpus: readonly Uint8Array[];
  readonly count: number;
  /** Reads an input as a user of the parser would, to its end. */
  readonly read: (bytes: Uint8Array, index: number) => unknown;
}

/** What came of the inputs. */
export interface Outcome {
  readonly accepted: number;
  readonly refused: number;
}

const MAX_GROWTH = 128 << 20;
const MAX_MILLISECONDS = 2000;

/**
 * Has a parser read damaged inputs. Each must be taken, or refused by a DiskError, within two seconds, and the process
 * must not grow. What fails is named by seed and number.
 */
export async function survive({ seed, corpus, count, read }: Ordeal): Promise<Outcome> {
  let accepted = 0;
  let refused = 0;
  let resident = 0;
  for (const bytes of mutations(seed, corpus, count)) {
    const index = accepted + refused;
    const started = performance.now();
    try {
      await read(bytes, index);
      accepted++;
    } catch (error) {
      if (!(error instanceof DiskError)) {
        throw new Error(`input ${index} of seed ${seed} was not refused as it should be`, { cause: error });
      }
      refused++;
    }
    const milliseconds = performance.now() - started;
    assert.ok(milliseconds < MAX_MILLISECONDS, `input ${index} of seed ${seed} took ${milliseconds} ms`);
    if (index === Math.floor(count / 10)) resident = process.memoryUsage.rss();
  }
  const growth = process.memoryUsage.rss() - resident;
  assert.ok(growth < MAX_GROWTH, `the process grew by ${growth} bytes with seed ${seed}`);
  return { accepted, refused };
}

/** Where a part of an input lies on a disk that is too large to be mutated as a whole. */
export interface Region {
  readonly position: number;
  readonly length: number;
}

/** The bytes of some regions of a disk, one after another. */
export async function extractRegions(disk: ByteSource, regions: readonly Region[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(regions.reduce((sum, region) => sum + region.length, 0));
  let offset = 0;
  for (const { position, length } of regions) {
    await disk.read(position, bytes.subarray(offset, offset + length));
    offset += length;
  }
  return bytes;
}

/** A disk of zeros with the bytes in its regions; what the bytes do not fill is zeros too. */
export function regionSource(size: number, regions: readonly Region[], bytes: Uint8Array): ByteSource {
  return {
    size,
    read(position, target) {
      const count = Math.max(0, Math.min(target.length, size - position));
      target.fill(0, 0, count);
      let offset = 0;
      for (const region of regions) {
        const start = Math.max(position, region.position);
        const end = Math.min(position + count, region.position + region.length);
        if (start < end) {
          const from = offset + start - region.position;
          target.set(bytes.subarray(from, from + end - start), start - position);
        }
        offset += region.length;
      }
      return count;
    },
  };
}
