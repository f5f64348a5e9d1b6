import { Interrupted } from '../errors/signals.ts';

/** As a shell has a program's end by SIGPIPE. */
const EXIT_PIPE = 141;

/** Aborts when nobody reads the output any more, as behind `| head`. */
export function closedOutput(stdout: NodeJS.EventEmitter): AbortSignal {
  const controller = new AbortController();
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort(new Interrupted('nobody reads the output', EXIT_PIPE));
  });
  return controller.signal;
}
