import type { Duplex } from 'node:stream';
import { TestkitError, type TestkitErrorCode } from '../error.ts';
import { type Limits, seconds, settle } from '../wait.ts';
import { makeTextFilter } from './filter.ts';

/** Output after which waiting for anything else is pointless. */
export const FATAL_OUTPUT: readonly RegExp[] = [/Kernel panic - not syncing[^\n]*/];

const TRANSCRIPT_LIMIT = 1 << 20;
const LINES_SHOWN = 30;
/**
 * Output comes a few bytes at a time; looking at it every so often instead of every time keeps long boots
 * cheap.
 */
const LOOK_INTERVAL_MS = 10;
const DEFAULT_TIMEOUT_MS = 60_000;

export interface WaitOptions extends Limits {
  /** Patterns that end the wait with `console-failure`; instead of `FATAL_OUTPUT`. */
  readonly failOn?: readonly RegExp[];
}

interface Connection {
  readonly stream: Duplex;
  readonly gone: AbortSignal;
}

/**
 * A serial console: what the machine writes, as plain text, and a way to type.
 *
 * It follows the machine from its first byte and outlives power cycles. `waitFor` consumes: each match starts
 * where the one before it ended. The transcript keeps the last 1 MiB of characters; the whole output is in
 * the machine's console log.
 */
export class Console {
  readonly #listeners = new Set<(text: string) => void>();
  readonly #rawListeners = new Set<(chunk: Uint8Array) => void>();
  #connection: Connection | undefined;
  #text = '';
  /** How many characters have been dropped before the first one of `#text`. */
  #dropped = 0;
  #cursor = 0;

  /** Follows a stream; `gone` is aborted, with an error as its reason, once nothing more will come. */
  connect(stream: Duplex, gone: AbortSignal): void {
    const filter = makeTextFilter();
    this.#connection = { stream, gone };
    stream.on('data', (chunk: Uint8Array) => {
      for (const listener of this.#rawListeners) listener(chunk);
      this.#append(filter(chunk));
    });
  }

  get transcript(): string {
    return this.#text;
  }

  /** The last lines that are not empty, as one text. */
  lastLines(count = LINES_SHOWN): string {
    return this.#text
      .slice(-count * 400)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .join('\n');
  }

  /** A sentence about what went wrong (without its full stop), followed by the last lines. */
  quote(sentence: string): string {
    const lines = this.lastLines();
    if (lines === '') return `${sentence}. The console is empty.`;
    return `${sentence}. The console's last lines:\n${lines.replace(/^/gm, '  | ')}`;
  }

  /** Types `text`: nothing is added to it, so a line needs its `\n`. */
  send(text: string | Uint8Array): void {
    if (this.#connection === undefined || this.#connection.gone.aborted) {
      throw new TestkitError('machine-off', 'the machine is off, nothing can be typed on its console');
    }
    this.#connection.stream.write(text);
  }

  /** From now on `waitFor` sees only what comes after this moment. */
  skipToEnd(): void {
    this.#cursor = this.#dropped + this.#text.length;
  }

  /** Calls `listener` with each piece of plain text to come, until the returned function is called. */
  onText(listener: (text: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The same for the bytes as they are, escape sequences included: for a person's terminal. */
  onBytes(listener: (chunk: Uint8Array) => void): () => void {
    this.#rawListeners.add(listener);
    return () => void this.#rawListeners.delete(listener);
  }

  /**
   * The first match in the output after the match before it.
   *
   * @throws TestkitError `timeout`, `console-failure` when a pattern of `failOn` comes first,
   * `machine-exited` and `machine-off` when nothing more will come; all of them show the last 30 lines
   */
  async waitFor(pattern: RegExp | string, options: WaitOptions = {}): Promise<RegExpExecArray> {
    const wanted = typeof pattern === 'string' ? new RegExp(RegExp.escape(pattern)) : pattern;
    const label = typeof pattern === 'string' ? JSON.stringify(pattern) : String(pattern);
    const failOn = options.failOn ?? FATAL_OUTPUT;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const gone = this.#connection?.gone ?? AbortSignal.abort();
    return settle<RegExpExecArray>(
      (resolve, reject) => {
        let timer: NodeJS.Timeout | undefined;
        const look = (): void => {
          timer = undefined;
          const match = this.#search(wanted);
          const failure = failOn.map((fatal) => this.#search(fatal)).find((found) => found !== undefined);
          if (match !== undefined && !(failure !== undefined && failure.index < match.index)) {
            this.#cursor = this.#dropped + match.index + match[0].length;
            resolve(match);
          } else if (failure !== undefined) {
            reject(this.#error('console-failure', `"${failure[0]}" came while waiting for ${label}`));
          } else if (gone.aborted) {
            const code = gone.reason instanceof TestkitError ? gone.reason.code : 'machine-off';
            reject(this.#error(code, `the machine is off: ${label} did not come`, gone.reason));
          }
        };
        const unsubscribe = this.onText(() => {
          timer ??= setTimeout(look, LOOK_INTERVAL_MS);
        });
        gone.addEventListener('abort', look, { once: true });
        look();
        return () => {
          unsubscribe();
          clearTimeout(timer);
          gone.removeEventListener('abort', look);
        };
      },
      {
        timeoutMs,
        signal: options.signal,
        expired: () => this.#error('timeout', `${label} did not come within ${seconds(timeoutMs)}`),
      },
    );
  }

  #append(text: string): void {
    if (text === '') return;
    this.#text += text;
    if (this.#text.length > 2 * TRANSCRIPT_LIMIT) {
      const excess = this.#text.length - TRANSCRIPT_LIMIT;
      this.#text = this.#text.slice(excess);
      this.#dropped += excess;
    }
    for (const listener of this.#listeners) listener(text);
  }

  #search(pattern: RegExp): RegExpExecArray | undefined {
    const searching = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
    searching.lastIndex = Math.max(0, this.#cursor - this.#dropped);
    return searching.exec(this.#text) ?? undefined;
  }

  #error(code: TestkitErrorCode, sentence: string, cause?: unknown): TestkitError {
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    return new TestkitError(code, this.quote(`${sentence}${reason}`), { cause });
  }
}
