import type { DiskWrite, SectorRanges } from '../disk/model.ts';
import { mulberry32, type Random, seedOf } from '../random.ts';
import type { Epoch } from './epoch.ts';

export type StateKind = 'prefix' | 'dropped' | 'reordered' | 'torn';

/** A write that a cut left, and which of its sectors: all unless said. */
export interface Pick {
  readonly write: DiskWrite;
  readonly ranges?: SectorRanges;
}

/** What a cut in an epoch left of it, in the order in which it reached the disk. */
export interface Cut {
  readonly kind: StateKind;
  /** How many of the epoch's relevant writes had begun. */
  readonly begun: number;
  readonly picks: readonly Pick[];
}

/** Up to so many writes, all their subsets are tried before chance is. */
const EXHAUSTIVE = 6;

/**
 * One of the states that a cut in an epoch can leave: always the same for the same seed, epoch and number. First come all subsets of
 * its writes, if they are few; then chance decides what is dropped, torn or in another order.
 */
export function cutOf(epoch: Epoch, number: number, seed: number): Cut {
  const { relevant } = epoch;
  const subsets = relevant.length <= EXHAUSTIVE ? possibleSubsets(relevant) : [];
  const subset = subsets[number];
  if (subset !== undefined) {
    const picks = relevant.flatMap((write, index) => (subset & (1 << index) ? [{ write }] : []));
    return { kind: 'dropped', begun: 32 - Math.clz32(subset), picks };
  }
  const random = mulberry32(seedOf(seed, epoch.number, number));
  const begun = random() % 2 === 0 ? relevant.length : 1 + (random() % relevant.length);
  const chosen = chooseWrites(relevant.slice(0, begun), random);
  switch (random() % 4) {
    case 0:
      return { kind: 'dropped', begun, picks: chosen };
    case 1:
      return { kind: 'reordered', begun, picks: shuffle(chosen, random) };
    default:
      return { kind: 'torn', begun, picks: tearSome(chosen, random) };
  }
}

/** Without those that are prefixes, and those that lack a durable write that had ended before another began. */
function possibleSubsets(writes: readonly DiskWrite[]): number[] {
  const durable = writes.reduce((bits, { fua }, index) => (fua ? bits | (1 << index) : bits), 0);
  const subsets: number[] = [];
  for (let subset = 1; subset < 1 << writes.length; subset++) {
    const isPrefix = (subset & (subset + 1)) === 0;
    const before = (1 << (31 - Math.clz32(subset))) - 1;
    if (!isPrefix && (durable & before & ~subset) === 0) subsets.push(subset);
  }
  return subsets;
}

/** What of the writes is left, whole as yet. The last one had begun but not ended: nothing of it is certain. */
function chooseWrites(writes: readonly DiskWrite[], random: Random): Pick[] {
  const single = random() % writes.length;
  const chance = (['one', 'all but one', 10, 25, 50, 75, 90, 100] as const)[random() % 8];
  return writes.flatMap((write, index) => {
    const left =
      chance === 'one'
        ? index === single
        : chance === 'all but one'
          ? index !== single
          : random() % 100 < (chance ?? 0);
    return left || isCertain(write, index, writes) ? [{ write }] : [];
  });
}

function isCertain(write: DiskWrite, index: number, writes: readonly DiskWrite[]): boolean {
  return write.fua && index < writes.length - 1;
}

/** Another order matters only where writes overlap. Durable writes stay where they were to each other and to what came before. */
function shuffle(picks: readonly Pick[], random: Random): Pick[] {
  const order = [...picks];
  for (let index = order.length - 1; index > 0; index--) {
    const other = random() % (index + 1);
    const from = Math.min(other, index);
    if (order.slice(from, index + 1).some(({ write }) => write.fua)) continue;
    [order[index], order[other]] = [order[other] as Pick, order[index] as Pick];
  }
  return order;
}

function tearSome(picks: readonly Pick[], random: Random): Pick[] {
  const chance = [10, 50, 100][random() % 3] ?? 0;
  return picks.map((pick, index) => {
    const isLast = index === picks.length - 1;
    if (pick.write.sectors < 2 || (pick.write.fua && !isLast)) return pick;
    if (!isLast && random() % 100 >= chance) return pick;
    return { write: pick.write, ranges: tear(pick.write.sectors, random) };
  });
}

const MAX_PIECES = 64;

/** The front, the back, or any of a write's sectors. */
function tear(sectors: number, random: Random): number[] {
  const at = 1 + (random() % (sectors - 1));
  switch (random() % 3) {
    case 0:
      return [0, at];
    case 1:
      return [at, sectors];
    default: {
      const piece = Math.ceil(sectors / MAX_PIECES);
      const ranges: number[] = [];
      for (let start = 0; start < sectors; start += piece) {
        if (random() % 2 === 0) ranges.push(start, Math.min(sectors, start + piece));
      }
      return ranges;
    }
  }
}
