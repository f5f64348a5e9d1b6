import { CairnError } from '@cairn/bytes';
import type { Host, RunResult } from '@cairn/host';
import { redact } from './redact.ts';

export const LOG_LINES = 50;
/** Of each unit that has failed. */
const UNIT_LINES = 10;
const UNITS = 3;
const TIMEOUT_MS = 20_000;

/** What a program printed; undefined where it is not there, fails or does not end. */
export async function outputOf(
  { programs }: Pick<Host, 'programs'>,
  argv: readonly string[],
  timeoutMs = TIMEOUT_MS,
): Promise<string | undefined> {
  let result: RunResult;
  try {
    result = await programs.run(argv, { timeoutMs });
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return undefined;
  }
  return result.exitCode === 0 ? result.stdout : undefined;
}

/** The last lines of this boot's journal, those of failed units first; without a journal the kernel's own. */
export async function bootLog(host: Host, failedUnits: readonly string[] = []): Promise<string[]> {
  const ofUnits: string[] = [];
  for (const unit of failedUnits.slice(0, UNITS)) {
    ofUnits.push(...(await journalLines(host, ['-b', '-u', unit], UNIT_LINES)));
  }
  const room = LOG_LINES - ofUnits.length;
  let rest = await journalLines(host, ['-b'], room);
  if (ofUnits.length === 0 && rest.length === 0) {
    rest = linesOf((await outputOf(host, ['dmesg'])) ?? '').slice(-room);
  }
  return [...ofUnits, ...rest];
}

/** Lines of the journal without what is secret. */
export async function journalLines(host: Host, choice: readonly string[], count: number): Promise<string[]> {
  const argv = ['journalctl', ...choice, '-n', String(count), '--no-pager', '-o', 'short'];
  return linesOf((await outputOf(host, argv)) ?? '').slice(-count);
}

export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('-- '))
    .map(redact);
}
