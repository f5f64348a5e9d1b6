import { CliError } from '../errors/error.ts';
import { Interrupted } from '../errors/signals.ts';

/** As a shell has a program's end by SIGPIPE. */
const EXIT_PIPE = 141;

/** Aborts when the output goes nowhere any more: nobody reads it, as behind `| head`, or its disk is full. */
export function closedOutput(stdout: NodeJS.EventEmitter): AbortSignal {
  const controller = new AbortController();
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    const nobodyReads = error.code === 'EPIPE';
    controller.abort(
      nobodyReads
        ? new Interrupted('nobody reads the output', EXIT_PIPE)
        : new CliError('output-failed', `the output cannot be written: ${error.message}`, { cause: error }),
    );
  });
  return controller.signal;
}

/** Nobody can be told of an error there, and it is no reason to stop the work: only messages are lost. */
export function ignoreErrors(stderr: NodeJS.EventEmitter): void {
  stderr.on('error', () => {});
}
