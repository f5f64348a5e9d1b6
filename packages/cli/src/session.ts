import type { Host } from '@cairn/host';
import type { Reporter } from './output/reporter.ts';

/** The standard output, for bytes. */
export type ByteStream = NodeJS.WritableStream;

/** What a command works with. */
export interface Session {
  readonly host: Host;
  readonly report: Reporter;
  readonly signal: AbortSignal;
  readonly stdout: ByteStream;
}
