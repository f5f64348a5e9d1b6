import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { errnoOf, HostError, hostError } from './error.ts';
import type { Programs, RunOptions, RunResult } from './types.ts';

const OUTPUT_LIMIT = 64 << 20;
const STDERR_TAIL = 4000;

/** How long a program that was asked to end has to clean up. */
const GRACE_MS = 5000;

/** A program that runs. */
interface Running {
  readonly child: ChildProcess;
  /** What came of it, once it has ended and all its output is read. Never fulfilled before that, even by an abort. */
  readonly ended: Promise<Ending>;
  /** Ends it at once. What `ended` gives is then `cause`, unless there is another one already. */
  kill(cause: unknown): void;
}

type Ending = { readonly exitCode: number } | { readonly failure: unknown };

function start(argv: readonly string[], options: RunOptions): Running {
  const [program, ...rest] = argv;
  if (program === undefined) throw new HostError('not-found', 'no program was named');
  const { signal, timeoutMs } = options;
  signal?.throwIfAborted();
  const child = spawn(program, rest, {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    env: options.environment ?? {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A program may close its input early; what it says of that is its exit code.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);

  let stopped: { readonly cause: unknown } | undefined;
  let grace: NodeJS.Timeout | undefined;
  /** What it has started may live on and hold its output open: nobody waits for that once it was stopped. */
  function letGo(): void {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
  function stop(cause: unknown, how: 'SIGTERM' | 'SIGKILL'): void {
    stopped ??= { cause };
    if (child.exitCode !== null || child.signalCode !== null) return letGo();
    child.kill(how);
    if (how === 'SIGTERM') grace ??= setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  }
  child.on('exit', () => {
    if (stopped !== undefined) letGo();
  });
  const onAbort = () => stop(signal?.reason, 'SIGTERM');
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          stop(new HostError('timeout', `${program} did not end within ${timeoutMs / 1000} s`), 'SIGKILL');
        }, timeoutMs);

  async function ending(): Promise<Ending> {
    try {
      const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      if (stopped !== undefined) return { failure: stopped.cause };
      if (code === null) return { failure: new HostError('killed', `${program} was ended by ${by}`) };
      return { exitCode: code };
    } catch (cause) {
      return { failure: startError(program ?? '', options, cause) };
    } finally {
      clearTimeout(timer);
      clearTimeout(grace);
      signal?.removeEventListener('abort', onAbort);
    }
  }
  return { child, ended: ending(), kill: (cause) => stop(cause, 'SIGKILL') };
}

function startError(program: string, { directory }: RunOptions, cause: unknown): HostError {
  if (errnoOf(cause) !== 'ENOENT') return hostError('start', program, cause);
  const or = directory === undefined ? '' : `, or there is no folder ${directory}`;
  return new HostError('not-found', `the program ${program} is not installed${or}`, { cause });
}

async function exitCodeOf(running: Running): Promise<number> {
  const ending = await running.ended;
  if ('failure' in ending) throw ending.failure;
  return ending.exitCode;
}

async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const running = start(argv, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  const gather = (parts: Buffer[]) => (chunk: Buffer) => {
    size += chunk.length;
    if (size <= OUTPUT_LIMIT) parts.push(chunk);
    else running.kill(new HostError('too-large', `${argv[0]} printed more than ${OUTPUT_LIMIT} bytes`));
  };
  running.child.stdout?.on('data', gather(stdout));
  running.child.stderr?.on('data', gather(stderr));
  return {
    exitCode: await exitCodeOf(running),
    stdout: Buffer.concat(stdout).toString('utf8'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  };
}

async function* stream(argv: readonly string[], options: RunOptions = {}): AsyncGenerator<Uint8Array> {
  const running = start(argv, options);
  let stderr = '';
  running.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL);
  });
  try {
    try {
      for await (const chunk of running.child.stdout as AsyncIterable<Buffer>) yield chunk;
    } catch (cause) {
      // It breaks off where the program was stopped, or never started: that is what is told below then.
      running.kill(hostError('read the output of', argv[0] ?? '', cause));
    }
    const exitCode = await exitCodeOf(running);
    if (exitCode !== 0) throw failed(`${argv[0]}`, exitCode, stderr);
  } finally {
    // Nothing happens here if it has ended; otherwise the reader went away, and nobody is told.
    running.kill(undefined);
    await running.ended;
  }
}

function failed(what: string, exitCode: number, said: string): HostError {
  const detail = said.trim().slice(-STDERR_TAIL);
  const colon = detail === '' ? '' : ': ';
  return new HostError('failed', `${what} failed with exit code ${exitCode}${colon}${detail}`);
}

/** The programs of the machine this runs on. */
export function realPrograms(): Programs {
  return { run, stream };
}

/** Runs a program that must succeed, and gives its standard output. */
export async function runChecked(
  programs: Programs,
  argv: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const result = await programs.run(argv, options);
  if (result.exitCode !== 0) throw failed(argv.join(' '), result.exitCode, result.stderr || result.stdout);
  return result.stdout;
}
