import type { ErrorReport } from '../errors/report.ts';
import { endedText, PhaseTracker } from './phase.ts';
import type { Answer, ProgressEvent, Reporter, Streams } from './reporter.ts';
import { printable } from './text.ts';

export interface PlainOptions {
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly now: () => number;
}

/** For a log or a pipe: one line when a phase has ended. */
export function plainReporter({ stdout, stderr }: Streams, options: PlainOptions): Reporter {
  const { quiet, debug, now } = options;
  const tracker = new PhaseTracker({ end: (view) => stderr.write(`${printable(endedText(view))}\n`) }, now);
  return {
    progress(event: ProgressEvent) {
      if (!quiet) tracker.report(event);
    },
    warning: (message) => stderr.write(`cairn: warning: ${printable(message)}\n`),
    answer({ text }: Answer) {
      tracker.finish();
      if (text !== '') stdout.write(`${text}\n`);
    },
    summary({ text }: Answer) {
      tracker.finish();
      if (!quiet) stdout.write(`${text}\n`);
    },
    error: (report) => stderr.write(errorText(report, debug)),
  };
}

/** `cairn: what is wrong`, and how out of it. */
export function errorText({ message, hint, details }: ErrorReport, debug: boolean): string {
  const lines = [`cairn: ${printable(message)}`];
  if (hint !== undefined) lines.push(`hint: ${printable(hint)}`);
  if (debug) lines.push(details);
  return `${lines.join('\n')}\n`;
}
