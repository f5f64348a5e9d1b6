import { PhaseTracker, type PhaseView, rateOf } from './phase.ts';
import type { Answer, ProgressEvent, Reporter, Streams } from './reporter.ts';

export interface JsonOptions {
  readonly command: string;
  readonly debug: boolean;
  readonly now: () => number;
}

/** For programs: one JSON object a line on the standard output. The last is `result` or `error`. */
export function jsonReporter({ stdout }: Streams, { command, debug, now }: JsonOptions): Reporter {
  const emit = (event: string, data: object) => stdout.write(`${JSON.stringify({ event, ...data })}\n`);
  const progress = (state: string) => (view: PhaseView) => emit('progress', { state, ...progressData(view) });
  const tracker = new PhaseTracker(
    { begin: progress('begin'), update: progress('running'), end: progress('end') },
    now,
  );
  function result({ data }: Answer): void {
    tracker.finish();
    emit('result', { command, ...(Array.isArray(data) ? { items: data } : data) });
  }
  return {
    progress: (event: ProgressEvent) => tracker.report(event),
    warning: (message) => emit('warning', { message }),
    answer: result,
    summary: result,
    error: ({ code, message, hint, details }) =>
      emit('error', { command, code, message, hint, ...(debug ? { details } : {}) }),
  };
}

function progressData(view: PhaseView): object {
  const { phase, done, total, note, seconds } = view;
  const rate = rateOf(view);
  return {
    phase,
    done,
    total,
    note,
    seconds: Number(seconds.toFixed(3)),
    bytesPerSecond: rate === undefined ? undefined : Math.round(rate),
  };
}
