/** How long an operation may take and what calls it off. */
export interface Limits {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A promise for something that is announced later: `start` subscribes and gives back how to unsubscribe,
 * which happens exactly once, whatever the outcome. Rejects with `expired()` after `timeoutMs` (where both
 * are given), and with the signal's reason when that is aborted.
 */
export function settle<T>(
  start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void,
  limits: Limits & { readonly expired?: () => Error },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const { signal, timeoutMs, expired } = limits;
  if (signal?.aborted) return Promise.reject(asError(signal.reason));
  const onAbort = (): void => reject(asError(signal?.reason));
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined || expired === undefined
      ? undefined
      : setTimeout(() => reject(expired()), timeoutMs);
  const stop = start(resolve, reject);
  return promise.finally(() => {
    stop();
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
}

/** One signal for several reasons to stop; those that are not given are left out. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

export function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
