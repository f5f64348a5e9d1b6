import type { ByteSource } from '@cairn/bytes';
import { TarError } from './error.ts';

const WINDOW = 64 << 10;
/** What is read where the last jump was so far that a window would hold no second header. */
const PEEK = 4 << 10;

/**
 * Reads headers, which are small and many, through one window, so that a run of small files costs one
 * read. Contents are jumped over: where they are large only a little is read at each header.
 */
export class Window {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer: Uint8Array;
  #start = 0;
  #filled = 0;

  constructor(source: ByteSource, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
    this.#buffer = new Uint8Array(Math.min(WINDOW, source.size));
  }

  /**
   * `length` bytes at `position`, which the caller has found to be within the source. They are valid until the
   * next call. Answers at once where the window has them.
   */
  read(position: number, length: number): Uint8Array | Promise<Uint8Array> {
    const from = position - this.#start;
    if (from >= 0 && from + length <= this.#filled) return this.#buffer.subarray(from, from + length);
    return length <= this.#buffer.length ? this.#move(position, length) : this.#readApart(position, length);
  }

  async #move(position: number, length: number): Promise<Uint8Array> {
    const isFar = position > this.#start + this.#filled + WINDOW;
    const wanted = isFar ? Math.max(length, PEEK) : this.#buffer.length;
    const target = this.#buffer.subarray(0, Math.min(wanted, this.#source.size - position));
    this.#filled = 0;
    this.#start = position;
    this.#filled = await this.#fill(target, position, length);
    return target.subarray(0, length);
  }

  async #readApart(position: number, length: number): Promise<Uint8Array> {
    const target = new Uint8Array(length);
    await this.#fill(target, position, length);
    return target;
  }

  /** Reads until there are at least `least` bytes, and gives how many there are. */
  async #fill(target: Uint8Array, position: number, least: number): Promise<number> {
    let filled = 0;
    while (filled < least) {
      const answer = this.#source.read(position + filled, target.subarray(filled), this.#signal);
      const count = typeof answer === 'number' ? answer : await answer;
      if (count === 0) {
        throw new TarError(
          'truncated',
          `the archive ends at byte ${position + filled}, but was said to be ${this.#source.size} bytes long`,
        );
      }
      filled += count;
    }
    return filled;
  }
}
