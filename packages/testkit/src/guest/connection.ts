import { randomBytes } from 'node:crypto';
import { sha256Hex } from '@cairn/bytes';
import { TestkitError } from '../error.ts';
import { anySignal, type Limits, settle } from '../wait.ts';
import type { Channel } from './channel.ts';

/** An answer, one that was damaged on its way, or nothing yet. */
type Decoded<T> = { readonly answer: T } | 'damaged' | undefined;

const ATTEMPTS = 6;
/** Generous, because guests are emulated on hosts that have other things to do. */
const ANSWER_LIMIT_MS = 15_000;
const SMALLEST_PIECE = 1024;

/** What an answer of words looks like among other output: `=ID! WORDS !ID=`. */
export function decodeWords(text: string, id: string): Decoded<string[]> {
  const found = new RegExp(`=${id}! ([a-z0-9 ]*) !${id}=`).exec(text);
  return found === null ? undefined : { answer: (found[1] ?? '').split(' ') };
}

/** What a piece of output looks like: a line `=ID=`, base64, a line `=ID. SHA256`. */
export function decodePiece(text: string, id: string): Decoded<Uint8Array> {
  const closing = new RegExp(`=${id}\\. ([0-9a-f]{64})\\n`).exec(text);
  if (closing === null) return undefined;
  const tag = `=${id}=\n`;
  const start = text.indexOf(tag);
  if (start === -1) return 'damaged';
  const body = text.slice(start + tag.length, closing.index).replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body)) return 'damaged';
  const bytes = Buffer.from(body, 'base64');
  return sha256Hex(bytes) === closing[1] ? { answer: bytes } : 'damaged';
}

/** Requests to the agent, asked again until an undamaged answer comes. */
export class AgentConnection {
  readonly #channel: Channel;
  readonly #gone: AbortSignal;

  /** @param gone aborted, with an error as its reason, when the guest cannot answer any more */
  constructor(channel: Channel, gone: AbortSignal) {
    this.#channel = channel;
    this.#gone = gone;
  }

  /** Asks for an answer of words. @throws TestkitError `guest-silent` */
  async ask(request: string, limits: Limits = {}): Promise<string[]> {
    const answer = await this.#ask(request, decodeWords, ATTEMPTS, limits);
    if (answer !== undefined) return answer;
    throw new TestkitError('guest-silent', `the guest does not answer to "${request.slice(0, 60)}"`, {
      hint: 'it may hang, or have rebooted: log in again',
    });
  }

  /** Whether an agent listens, with `timeoutMs` to answer. */
  async isAlive(limits: Limits): Promise<boolean> {
    return (await this.#ask('hello', decodeWords, 1, limits)) !== undefined;
  }

  /**
   * The first `size` bytes of a file of the agent's. It is asked for in pieces, which get smaller while
   * answers come damaged, so that some fit between the lines that the kernel writes.
   */
  async *read(file: string, size: number, limits: Limits = {}): AsyncGenerator<Uint8Array> {
    let limit = this.#channel.pieceLimit;
    let failures = 0;
    for (let position = 0; position < size; ) {
      const count = Math.ceil(Math.min(limit, size - position) / 1024);
      const request = `get ${file} ${position / 1024} ${count}`;
      const piece = await this.#ask(request, decodePiece, 1, limits);
      if (piece !== undefined && piece.length > 0) {
        yield piece.subarray(0, size - position);
        position += piece.length;
        limit = Math.min(this.#channel.pieceLimit, limit * 2);
        failures = 0;
      } else if (limit > SMALLEST_PIECE) {
        limit /= 2;
      } else if (++failures > ATTEMPTS * 4) {
        throw new TestkitError('guest-silent', `the guest's answers come damaged, again and again`);
      }
    }
  }

  async #ask<T>(
    request: string,
    decode: (text: string, id: string) => Decoded<T>,
    attempts: number,
    limits: Limits,
  ): Promise<T | undefined> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      // A new name for each attempt: a late answer to an earlier one is not taken for this one's.
      const id = randomBytes(6).toString('hex');
      const decoded = await this.#attempt(request, id, decode, limits);
      if (decoded !== undefined && decoded !== 'damaged') return decoded.answer;
    }
    return undefined;
  }

  async #attempt<T>(
    request: string,
    id: string,
    decode: (text: string, id: string) => Decoded<T>,
    limits: Limits,
  ): Promise<Decoded<T>> {
    return settle<Decoded<T>>(
      (resolve) => {
        let text = '';
        const stop = this.#channel.onText((chunk) => {
          text += chunk;
          const decoded = decode(text, id);
          if (decoded !== undefined) resolve(decoded);
        });
        const timer = setTimeout(() => resolve(undefined), limits.timeoutMs ?? ANSWER_LIMIT_MS);
        this.#channel.send(`${id} ${request}\n`);
        return () => {
          stop();
          clearTimeout(timer);
        };
      },
      { signal: anySignal(this.#gone, limits.signal) },
    );
  }
}
