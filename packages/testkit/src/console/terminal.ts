import type { ReadStream } from 'node:tty';
import type { Console } from './console.ts';

/** Ctrl-], as telnet and machinectl have it. */
const DETACH = 0x1d;

export interface TerminalOptions {
  readonly input?: NodeJS.ReadableStream;
  readonly output?: NodeJS.WritableStream;
  readonly signal?: AbortSignal;
}

/** What can be attached to: a machine, or anything else with a console that ends. */
export interface Attachable {
  readonly console: Console;
  readonly exited: Promise<unknown>;
}

/**
 * Connects a person's terminal with the machine's serial console, both ways and unfiltered, until Ctrl-] is
 * typed, the input ends, the machine ends or the signal is aborted. The terminal is left as it was found.
 */
export async function attachTerminal(machine: Attachable, options: TerminalOptions = {}): Promise<void> {
  const input: NodeJS.ReadableStream = options.input ?? process.stdin;
  const output: NodeJS.WritableStream = options.output ?? process.stdout;
  const done = Promise.withResolvers<void>();
  const onInput = (data: Uint8Array | string): void => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const detach = bytes.indexOf(DETACH);
    const typed = detach === -1 ? bytes : bytes.subarray(0, detach);
    try {
      if (typed.length > 0) machine.console.send(typed);
    } catch (error) {
      done.reject(error);
    }
    if (detach !== -1) done.resolve();
  };
  const finish = (): void => done.resolve();
  const unsubscribe = machine.console.onBytes((chunk) => output.write(chunk));
  setRaw(input, true);
  input.on('data', onInput).once('end', finish).resume();
  options.signal?.addEventListener('abort', finish, { once: true });
  if (options.signal?.aborted) finish();
  try {
    await Promise.race([done.promise, machine.exited]);
  } finally {
    unsubscribe();
    input.off('data', onInput).off('end', finish).pause();
    options.signal?.removeEventListener('abort', finish);
    setRaw(input, false);
  }
}

function setRaw(input: NodeJS.ReadableStream, raw: boolean): void {
  const terminal = input as Partial<ReadStream>;
  if (terminal.isTTY) terminal.setRawMode?.(raw);
}
