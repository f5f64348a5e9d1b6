/** A generator of 32-bit numbers: the same seed gives the same numbers. */
export type Random = () => number;

/** Mulberry32. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return finish(state);
  };
}

/** A seed of several numbers: near ones give seeds that have nothing in common. */
export function seedOf(...numbers: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const number of numbers) state = finish((state ^ (number >>> 0)) + 0x6d2b79f5);
  return state;
}

function finish(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
