import { jsonReporter } from './json.ts';
import { plainReporter } from './plain.ts';
import type { Reporter, Streams } from './reporter.ts';
import { terminalReporter } from './terminal.ts';

/** How a run tells what it does. */
export interface OutputFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}

/** Reads the flags before anything else is parsed, since a mistake in the rest is told the way they say. */
export function outputFlags(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): OutputFlags {
  const end = argv.indexOf('--');
  const given = new Set(end < 0 ? argv : argv.slice(0, end));
  return {
    json: given.has('--json'),
    quiet: given.has('--quiet') || given.has('-q'),
    debug: given.has('--debug') || environment['CAIRN_DEBUG'] === '1',
  };
}

export interface ReporterRequest extends OutputFlags {
  readonly command: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

export function chooseReporter(streams: Streams, request: ReporterRequest): Reporter {
  const { json, environment } = request;
  if (json) return jsonReporter(streams, request);
  const dumb = environment['TERM'] === 'dumb';
  if (!streams.stderr.isTTY || dumb) return plainReporter(streams, request);
  return terminalReporter(streams, { ...request, color: !environment['NO_COLOR'] });
}
