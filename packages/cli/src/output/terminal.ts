import { styleText } from 'node:util';
import { formatBytes } from '@cairn/bytes';
import type { ErrorReport } from '../errors/report.ts';
import { endedText, NAME_WIDTH, PhaseTracker, type PhaseView, rateOf } from './phase.ts';
import { errorText, type PlainOptions } from './plain.ts';
import type { Answer, ProgressEvent, Reporter, Streams } from './reporter.ts';
import { printable } from './text.ts';

export interface TerminalOptions extends PlainOptions {
  readonly color: boolean;
}

const BAR = 20;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\x1b[K';

/** For a person who watches: the phase that runs is one line that is drawn over and over, and stays when it has ended. */
export function terminalReporter({ stdout, stderr }: Streams, options: TerminalOptions): Reporter {
  const { quiet, debug, color, now } = options;
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(style, text, { validateStream: false }) : text;
  // A terminal that does not know its width says 0.
  const columns = () => (stderr.columns || DEFAULT_COLUMNS) - 1;
  let drawn = false;

  function clear(): void {
    if (drawn) stderr.write(CLEAR_LINE);
    drawn = false;
  }
  function draw(view: PhaseView): void {
    stderr.write(`${CLEAR_LINE}${printable(runningText(view)).slice(0, columns())}`);
    drawn = true;
  }
  const tracker = new PhaseTracker(
    {
      begin: draw,
      update: draw,
      end(view) {
        clear();
        stderr.write(`${paint('dim', printable(endedText(view)).slice(0, columns()))}\n`);
      },
    },
    now,
  );
  return {
    progress(event: ProgressEvent) {
      if (!quiet) tracker.report(event);
    },
    warning(message) {
      clear();
      stderr.write(`${paint('yellow', 'cairn: warning:')} ${printable(message)}\n`);
    },
    answer({ text }: Answer) {
      tracker.finish();
      if (text !== '') stdout.write(`${text}\n`);
    },
    summary({ text }: Answer) {
      tracker.finish();
      if (!quiet) stdout.write(`${text}\n`);
    },
    error(report: ErrorReport) {
      clear();
      const text = errorText(report, debug);
      stderr.write(`${paint('red', 'cairn:')}${text.slice('cairn:'.length)}`);
    },
  };
}

/** `root     [########............]  40%  174 MiB of 434 MiB  362 MiB/s` */
function runningText(view: PhaseView): string {
  const { phase, done, total, note, seconds } = view;
  const parts = [phase.padEnd(NAME_WIDTH)];
  if (done !== undefined && total !== undefined && total > 0) {
    const part = Math.min(1, done / total);
    const filled = Math.round(part * BAR);
    parts.push(`[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${Math.floor(part * 100)}%`.padEnd(28));
    parts.push(`${formatBytes(done)} of ${formatBytes(total)}`);
  } else if (done !== undefined) {
    parts.push(formatBytes(done));
  } else {
    parts.push(`${seconds.toFixed(1)} s`);
  }
  const rate = rateOf(view);
  if (rate !== undefined) parts.push(`${formatBytes(rate)}/s`);
  if (note !== undefined) parts.push(note);
  return parts.join('  ');
}
