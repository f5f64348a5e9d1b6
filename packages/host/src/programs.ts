import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { errnoOf, HostError } from './error.ts';
import type { Programs, RunOptions, RunResult } from './types.ts';

const OUTPUT_LIMIT = 64 << 20;
const STDERR_TAIL = 4000;

function start(argv: readonly string[], options: RunOptions): ChildProcess {
  const [program, ...rest] = argv;
  if (program === undefined) throw new HostError('not-found', 'no program was named');
  const child = spawn(program, rest, {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' }),
    env: options.environment ?? {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A program may close its input early; what it says of that is its exit code.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);
  return child;
}

function startError(argv: readonly string[], cause: unknown): unknown {
  if (errnoOf(cause) === 'ENOENT') {
    return new HostError('not-found', `the program ${argv[0]} is not installed`, { cause });
  }
  return cause;
}

/** How it ended; `timeout` is told from another's kill by who sent the signal. */
function exitCodeOf(
  argv: readonly string[],
  code: number | null,
  signal: string | null,
  options: RunOptions,
): number {
  if (code !== null) return code;
  options.signal?.throwIfAborted();
  if (options.timeoutMs !== undefined && signal === 'SIGKILL') {
    throw new HostError('timeout', `${argv[0]} did not end within ${options.timeoutMs / 1000} s`);
  }
  throw new HostError('killed', `${argv[0]} was ended by ${signal}`);
}

async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = start(argv, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  const gather = (parts: Buffer[]) => (chunk: Buffer) => {
    size += chunk.length;
    if (size <= OUTPUT_LIMIT) parts.push(chunk);
  };
  child.stdout?.on('data', gather(stdout));
  child.stderr?.on('data', gather(stderr));
  let ended: [number | null, string | null];
  try {
    ended = (await once(child, 'close')) as [number | null, string | null];
  } catch (cause) {
    throw startError(argv, cause);
  }
  if (size > OUTPUT_LIMIT)
    throw new HostError('too-large', `${argv[0]} printed more than ${OUTPUT_LIMIT} bytes`);
  return {
    exitCode: exitCodeOf(argv, ...ended, options),
    stdout: Buffer.concat(stdout).toString('utf8'),
    stderr: Buffer.concat(stderr).toString('utf8'),
  };
}

async function* stream(argv: readonly string[], options: RunOptions = {}): AsyncGenerator<Uint8Array> {
  const child = start(argv, options);
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  // It is awaited below; until then a failure must not count as unhandled.
  closed.catch(() => {});
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_TAIL);
  });
  let finished = false;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const exitCode = exitCodeOf(argv, ...(await closed), options);
    finished = true;
    if (exitCode !== 0) {
      throw new HostError('failed', `${argv[0]} failed with exit code ${exitCode}: ${stderr.trim()}`);
    }
  } catch (cause) {
    throw startError(argv, cause);
  } finally {
    if (!finished) child.kill('SIGKILL');
  }
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
  if (result.exitCode !== 0) {
    const said = (result.stderr || result.stdout).trim().slice(-STDERR_TAIL);
    throw new HostError('failed', `${argv.join(' ')} failed with exit code ${result.exitCode}: ${said}`);
  }
  return result.stdout;
}
