import { BenchError } from './error.ts';

/** How often something is done. @throws BenchError `usage` */
export function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new BenchError('usage', `"${text}" is no number of rounds`, { hint: 'Write --rounds 3.' });
}

/** One of the sizes, or all of them for `both`. @throws BenchError `usage` */
export function parseSizes<Size extends string>(text: string, all: readonly Size[]): readonly Size[] {
  const sizes = all.filter((size) => text === 'both' || text === size);
  if (sizes.length > 0) return sizes;
  throw new BenchError('usage', `there is no size "${text}": ${all.join(', ')}, both`);
}
