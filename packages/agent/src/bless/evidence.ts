import type { Host } from '@cairn/host';
import { journalLines, LOG_LINES } from '../health/log.ts';
import type { Denied, Pending } from '../state/types.ts';
import { whyFailed } from './decide.ts';
import { lastPanic } from './pstore.ts';

/** Why a release has failed, as far as it can be known. */
export type Why = Pick<Denied, 'reason' | 'log'>;

/**
 * Why a release has failed: what its own boots have told, or else what they have left behind without wanting to: the last words
 * of a kernel that panicked, and the kept journal of the last of its boots that has one.
 */
export async function explain(host: Host, pending: Pending): Promise<Why> {
  const told = whyFailed(pending);
  if (pending.attempts.some(({ failure }) => failure !== undefined)) return told;
  const panic = await lastPanic(host, Date.parse(pending.since) || 0);
  const journal = await lastJournal(host, pending, LOG_LINES - (panic?.log.length ?? 0));
  return {
    reason: panic === undefined ? told.reason : `kernel panic: ${panic.what}`,
    log: [...journal, ...(panic?.log ?? [])],
  };
}

async function lastJournal(host: Host, { attempts }: Pending, count: number): Promise<string[]> {
  for (const { bootId } of attempts.toReversed()) {
    // journalctl(1) takes 32 hexadecimal digits for a boot's id.
    const id = bootId.replaceAll('-', '');
    if (!/^[0-9a-f]{32}$/.test(id)) continue;
    const lines = await journalLines(host, ['-b', id], count);
    if (lines.length > 0) return lines;
  }
  return [];
}
