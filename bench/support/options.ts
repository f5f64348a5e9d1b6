import { BenchError } from './error.ts';

/** How often something is done. @throws BenchError `usage` */
export function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new BenchError('usage', `"${text}" is no number of rounds`, { hint: 'Write --rounds 3.' });
}
