import { CliError } from '../errors/error.ts';

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * A size as it is written for an option, in bytes: `512M`, `10G`.
 *
 * @throws CliError `usage`
 */
export function parseSize(text: string): number {
  const [, number, letter] = /^(\d{1,9})([KMGT])$/.exec(text) ?? [];
  const unit = UNITS[letter ?? ''];
  const size = Number(number) * (unit ?? 0);
  if (number !== undefined && unit !== undefined && size > 0 && Number.isSafeInteger(size)) return size;
  throw new CliError('usage', `"${text}" is not a size`, {
    hint: 'Write a whole number with K, M, G or T, each being 1024 of the one before: 512M, 10G.',
  });
}
