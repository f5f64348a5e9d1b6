import { join } from 'node:path';
import { type Host, runChecked } from '@cairn/host';
import { BenchError } from './error.ts';

/** What a run of a program cost, all the programs that it started included. */
export interface Usage {
  /** Wall clock; to 10 ms, which is as fine as GNU time tells. */
  readonly seconds: number;
  /** In user and kernel mode, of all processors together. */
  readonly cpuSeconds: number;
  /** The largest resident set that any one of the processes had, in bytes. */
  readonly peakBytes: number;
}

/** Elapsed, user and kernel seconds, and the largest resident set in KiB (time(1)). */
const TIME_FORMAT = '%e %U %S %M';

/** The words to put before a command line so that what it costs is written to a file. */
export function timed(file: string): readonly string[] {
  return ['/usr/bin/time', `--output=${file}`, `--format=${TIME_FORMAT}`];
}

/** @throws BenchError `bad-measurement` for what GNU time does not write in `TIME_FORMAT` */
export function parseUsage(text: string): Usage {
  // A line of its own tells of an exit code other than 0; the numbers are the last line in any case.
  const fields = text.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  const [elapsed, user, kernel, peak] = fields;
  if (elapsed === undefined || user === undefined || kernel === undefined || peak === undefined) {
    throw new BenchError('bad-measurement', `GNU time wrote "${text.trim()}"`);
  }
  if (fields.some(Number.isNaN)) throw new BenchError('bad-measurement', `GNU time wrote "${text.trim()}"`);
  return { seconds: elapsed, cpuSeconds: user + kernel, peakBytes: peak * 1024 };
}

/**
 * Runs a program that must succeed, under GNU time. The kernel accounts for it (wait4(2)), so that nothing of this process
 * and of its watching is in the figures.
 *
 * @param folder where the figures are put for a moment
 */
export async function measure(
  host: Host,
  argv: readonly string[],
  options: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Usage> {
  const file = join(options.folder, 'usage');
  await runChecked(host.programs, [...timed(file), ...argv], { signal: options.signal });
  return parseUsage((await host.files.readText(file)) ?? '');
}
