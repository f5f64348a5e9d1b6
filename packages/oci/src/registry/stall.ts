import type { Clock } from '@cairn/host';
import { OciError } from '../error.ts';

/** Ends a transfer that does not move. */
export interface StallWatch extends Disposable {
  /** Aborted by the caller's signal, or with OciError `stalled`. */
  readonly signal: AbortSignal;
  /** Bytes came or went. */
  moved(): void;
  /** Nothing is expected of the network until `moved` is called: the one who takes the bytes is busy. */
  pause(): void;
}

export function watchForStall(
  clock: Clock,
  limitMs: number,
  host: string,
  signal: AbortSignal | undefined,
): StallWatch {
  const stalled = new AbortController();
  const ended = new AbortController();
  let last = clock.monotonic();
  let paused = false;
  async function watch(): Promise<void> {
    for (let left = limitMs; left > 0; left = last + limitMs - clock.monotonic()) {
      await clock.sleep(left, ended.signal);
      if (paused) last = clock.monotonic();
    }
    stalled.abort(new OciError('stalled', `${host} sent nothing for ${limitMs / 1000} s`));
  }
  // It ends by the abort of `ended`, and by nothing else.
  watch().catch(() => {});
  return {
    signal: signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]),
    moved() {
      paused = false;
      last = clock.monotonic();
    },
    pause() {
      paused = true;
    },
    [Symbol.dispose]: () => ended.abort(),
  };
}
