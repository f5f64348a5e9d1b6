import { formatBytes } from '@cairn/bytes';
import type { ProgressEvent } from './reporter.ts';

/** Progress is shown at most so often. */
const INTERVAL_MS = 100;

/** Phases' names stand under each other. */
export const NAME_WIDTH = 9;

/** What there is to show of the phase that runs. */
export interface PhaseView {
  readonly phase: string;
  readonly done: number | undefined;
  readonly total: number | undefined;
  readonly note: string | undefined;
  readonly seconds: number;
}

/** Where a tracker shows what it has chosen to show. */
export interface PhaseDisplay {
  begin?(view: PhaseView): void;
  update?(view: PhaseView): void;
  end?(view: PhaseView): void;
}

interface RunningPhase {
  readonly event: ProgressEvent;
  readonly started: number;
}

/** Makes beginnings, ends and a bearable number of updates out of progress events. */
export class PhaseTracker {
  readonly #display: PhaseDisplay;
  readonly #now: () => number;
  #running: RunningPhase | undefined;
  #shown = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds that only go forward */
  constructor(display: PhaseDisplay, now: () => number) {
    this.#display = display;
    this.#now = now;
  }

  report(event: ProgressEvent): void {
    const now = this.#now();
    if (this.#running?.event.phase !== event.phase) {
      this.finish();
      this.#running = { event, started: now };
      this.#shown = now;
      this.#display.begin?.(this.#view());
      return;
    }
    // What an event leaves out is as it was.
    this.#running = { ...this.#running, event: { ...this.#running.event, ...event } };
    if (now - this.#shown < INTERVAL_MS) return;
    this.#shown = now;
    this.#display.update?.(this.#view());
  }

  /** The phase that runs has come to its end. */
  finish(): void {
    if (this.#running === undefined) return;
    const view = this.#view();
    this.#running = undefined;
    this.#display.end?.(view);
  }

  #view(): PhaseView {
    const { event, started } = this.#running ?? { event: { phase: '' }, started: this.#now() };
    const { phase, done, total, note } = event;
    return { phase, done, total, note, seconds: (this.#now() - started) / 1000 };
  }
}

/** Bytes a second, or undefined where too little time has passed to tell. */
export function rateOf({ done, seconds }: PhaseView): number | undefined {
  return done === undefined || seconds < 0.05 ? undefined : done / seconds;
}

/** A phase that has ended: `root     434 MiB in 1.2 s (362 MiB/s)`. */
export function endedText(view: PhaseView): string {
  const { phase, done, note, seconds } = view;
  const rate = rateOf(view);
  const amount = done === undefined ? '' : `${formatBytes(done)} in `;
  const speed = rate === undefined ? '' : ` (${formatBytes(rate)}/s)`;
  return `${phase.padEnd(NAME_WIDTH)} ${amount}${seconds.toFixed(1)} s${speed}${note === undefined ? '' : `  ${note}`}`;
}
