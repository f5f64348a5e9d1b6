import type { Clock } from '@cairn/host';
import type { OciError } from '../error.ts';
import { TransientFailure } from './failure.ts';

export interface RetryPolicy {
  readonly clock: Clock;
  /** How many times in a row without progress a request is tried again. */
  readonly retries: number;
  /** The first pause; each next is twice as long. */
  readonly backoffMs: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Something that grows as the work goes on: a failure after enough progress starts the count anew. */
  readonly progress?: () => number;
  readonly onRetry?: (error: OciError, delayMs: number) => void;
}

const PAUSE_LIMIT_MS = 30_000;
const RETRY_AFTER_LIMIT_MS = 60_000;
const ENOUGH_PROGRESS = 256 << 10;

/** Does the work until it succeeds, with pauses that double, as long as it throws TransientFailure. */
export async function withRetries<T>(
  policy: RetryPolicy,
  options: RetryOptions,
  work: () => Promise<T>,
): Promise<T> {
  const progress = options.progress ?? (() => 0);
  let failures = 0;
  for (;;) {
    const before = progress();
    try {
      return await work();
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (!(cause instanceof TransientFailure)) throw cause;
      failures = progress() - before >= ENOUGH_PROGRESS ? 1 : failures + 1;
      const delay = pauseBefore(policy, failures, cause.retryAfterMs);
      if (delay === undefined) throw cause.error;
      options.onRetry?.(cause.error, delay);
      await pause(policy.clock, delay, options.signal);
    }
  }
}

/** A pause that is cut short ends with the reason that the caller gave. */
async function pause(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause;
  }
}

/** Milliseconds to wait after so many failures; undefined to give up. A server that wants more than a minute is not waited for. */
function pauseBefore(
  policy: RetryPolicy,
  failures: number,
  retryAfterMs: number | undefined,
): number | undefined {
  if (failures > policy.retries) return undefined;
  if (retryAfterMs !== undefined && retryAfterMs > RETRY_AFTER_LIMIT_MS) return undefined;
  const pause = Math.min(PAUSE_LIMIT_MS, policy.backoffMs * 2 ** (failures - 1));
  // Between half and the whole of it, so that machines that failed together do not come back together.
  return Math.max(retryAfterMs ?? 0, pause * (0.5 + policy.random() / 2));
}

/** Retry-After is seconds or a date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
