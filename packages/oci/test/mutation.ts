import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Gives a whole number from 0 to below `bound`. */
export type Random = (bound: number) => number;

/** The seed of a run that failed is in its message. */
export const SEED = Number(process.env.CAIRN_SEED ?? 20_260_101);

/** Mulberry32: the same numbers for the same seed, on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const found = from[random(from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

export interface MutationResult {
  readonly inputs: number;
  /** How many were taken, and not refused. */
  readonly accepted: number;
  /** In bytes, after the first tenth. */
  readonly grown: number;
}

/** Makes and tries many inputs. `attempt` tells whether one was taken, and throws what must never happen. */
export async function tryInputs<T>(
  count: number,
  make: (random: Random, input: number) => T | Promise<T>,
  attempt: (input: T) => boolean | Promise<boolean>,
  show: (input: T) => string | Promise<string>,
): Promise<MutationResult> {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const random = randomFrom(SEED);
  let accepted = 0;
  let before = 0;
  let inputs = 0;
  for (; inputs < count; inputs++) {
    if (inputs === count / 10) before = heldMemory(collectGarbage);
    const input = await make(random, inputs);
    try {
      if (await attempt(input)) accepted++;
    } catch (cause) {
      throw new Error(`input ${inputs} with CAIRN_SEED=${SEED}: ${await show(input)}`, { cause });
    }
  }
  return { inputs, accepted, grown: heldMemory(collectGarbage) - before };
}

function heldMemory(collectGarbage: () => void): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
