import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { concatBytes } from '@cairn/bytes';
import { TestkitError } from '../error.ts';
import { type Limits, seconds } from '../wait.ts';
import type { AgentConnection } from './connection.ts';

/** What came of a script. */
export interface ScriptResult {
  readonly exitCode: number;
  /** Standard output as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it is. */
  readonly stdoutBytes: Uint8Array;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const REBOOT_LIMIT_MS = 90_000;
/** Base64 of a script is sent in pieces that fit into a terminal's line. */
const PIECE = 3000;
const FIRST_POLL_MS = 10;
const SLOWEST_POLL_MS = 250;

/**
 * A booted system in which commands can be run, as the user that is logged in. It is of no use any more after
 * a reboot: log in again.
 */
export class Guest {
  readonly #agent: AgentConnection;
  readonly #nextBoot: (limits: Limits) => Promise<void>;

  constructor(agent: AgentConnection, context: { nextBoot(limits: Limits): Promise<void> }) {
    this.#agent = agent;
    this.#nextBoot = (limits) => context.nextBoot(limits);
  }

  /**
   * Runs a script with `sh`, in `/`, with nothing on its standard input. Several can run at the same time. It
   * is run once, whatever happens to the answers on their way; past the time limit it is killed with all that
   * it started.
   *
   * @throws TestkitError `timeout`, `guest-silent`, `machine-exited`; not for an exit code other than 0
   */
  async run(script: string, limits: Limits = {}): Promise<ScriptResult> {
    const timeoutMs = limits.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = limits.signal === undefined ? deadline : AbortSignal.any([deadline, limits.signal]);
    const job = await this.#start(script, signal);
    try {
      const [exitCode = 0, stdoutSize = 0, stderrSize = 0] = await this.#waitForEnd(job, signal);
      const stdoutBytes = await this.#read(`${job}.out`, stdoutSize, signal);
      const stderr = await this.#read(`${job}.err`, stderrSize, signal);
      await this.#agent.ask(`drop ${job}`, { signal });
      return { exitCode, stdout: textOf(stdoutBytes), stderr: textOf(stderr), stdoutBytes };
    } catch (error) {
      if (!signal.aborted) throw error;
      await this.#kill(job);
      if (limits.signal?.aborted) throw error;
      throw new TestkitError(
        'timeout',
        `the script did not end within ${seconds(timeoutMs)}: ${abridged(script)}`,
        { cause: error },
      );
    }
  }

  /**
   * The standard output of a script that has to succeed. @throws TestkitError `command-failed`, and what
   * `run` throws
   */
  async output(script: string, limits: Limits = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(script, limits);
    if (exitCode === 0) return stdout;
    const said = (stderr.trim() || stdout.trim()).slice(-2000);
    throw new TestkitError('command-failed', `exit code ${exitCode} from: ${abridged(script)}\n${said}`);
  }

  /** Asks the guest's init to reboot, and waits until the machine starts again. */
  async reboot(limits: Limits = {}): Promise<void> {
    const { signal } = limits;
    const restarted = this.#nextBoot({ timeoutMs: limits.timeoutMs ?? REBOOT_LIMIT_MS, signal });
    const asked = new AbortController();
    const until = signal === undefined ? asked.signal : AbortSignal.any([asked.signal, signal]);
    // The answer may be lost in the reboot, so only the machine's own word counts.
    const ask = this.#start('reboot', until).catch((error: unknown) => {
      if (!asked.signal.aborted) throw error;
    });
    await Promise.all([restarted.finally(() => asked.abort()), ask]);
  }

  async #start(script: string, signal: AbortSignal): Promise<string> {
    const job = `j${randomBytes(5).toString('hex')}`;
    const encoded = Buffer.from(script).toString('base64');
    let pieces = 0;
    for (let position = 0; position < encoded.length; position += PIECE) {
      await this.#put(`${job}.${pieces++}`, encoded.slice(position, position + PIECE), signal);
    }
    await this.#agent.ask(`run ${job} ${pieces}`, { signal });
    return job;
  }

  async #put(name: string, text: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const [, length] = await this.#agent.ask(`put ${name} ${text}`, { signal });
      if (Number(length) === text.length) return;
    }
  }

  async #waitForEnd(job: string, signal: AbortSignal): Promise<number[]> {
    for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 1.5, SLOWEST_POLL_MS)) {
      const [state, ...numbers] = await this.#agent.ask(`poll ${job}`, { signal });
      if (state === 'done') return numbers.map(Number);
      await sleep(pause, undefined, { signal });
    }
  }

  async #read(file: string, size: number, signal: AbortSignal): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#agent.read(file, size, { signal })) pieces.push(piece);
    return concatBytes(pieces);
  }

  async #kill(job: string): Promise<void> {
    const signal = AbortSignal.timeout(5000);
    try {
      await this.#agent.ask(`kill ${job}`, { signal });
      await this.#agent.ask(`drop ${job}`, { signal });
    } catch {
      // The caller is told why the script was given up; that it could not even be killed does not add to it.
    }
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function abridged(script: string): string {
  const line = script.trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
