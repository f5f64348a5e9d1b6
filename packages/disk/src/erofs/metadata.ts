import { type ByteSource, readExactly, readInto } from '@cairn/bytes';
import { DiskError } from '../error.ts';

const WINDOW_SIZE = 64 << 10;
const WINDOWS = 16;

/**
 * Reads small pieces of an image by way of a few cached windows: inodes and directories of one place in the
 * tree lie near each other.
 */
export class MetadataReader {
  readonly #source: ByteSource;
  /** The size of the file system in bytes: nothing is read beyond it. */
  readonly limit: number;
  /** By number; a Map gives its keys in the order they were put in, the first is the one to drop. */
  readonly #windows = new Map<number, Uint8Array>();

  constructor(source: ByteSource, limit: number) {
    this.#source = source;
    this.limit = limit;
  }

  /** @throws DiskError `erofs-malformed` where a piece is not all inside of the file system */
  checkRange(position: number, length: number, what: string): void {
    if (!Number.isSafeInteger(position + length) || position < 0 || position + length > this.limit) {
      throw new DiskError(
        'erofs-malformed',
        `${what} should be at bytes ${position} to ${position + length}, the file system has ${this.limit}`,
      );
    }
  }

  /**
   * The bytes `[position, position + length)`, at once where they are cached. They may be a view of the cache:
   * for reading only.
   *
   * @param what names the piece in errors
   */
  read(
    position: number,
    length: number,
    what: string,
    signal?: AbortSignal,
  ): Uint8Array | Promise<Uint8Array> {
    this.checkRange(position, length, what);
    const index = Math.floor(position / WINDOW_SIZE);
    const start = position - index * WINDOW_SIZE;
    const end = start + length;
    if (end > WINDOW_SIZE) return readExactly(this.#source, position, length, signal);
    const window = this.#cached(index);
    if (window !== undefined) return window.subarray(start, end);
    return this.#load(index, signal).then((loaded) => loaded.subarray(start, end));
  }

  #cached(index: number): Uint8Array | undefined {
    const window = this.#windows.get(index);
    if (window !== undefined) {
      this.#windows.delete(index);
      this.#windows.set(index, window);
    }
    return window;
  }

  async #load(index: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const start = index * WINDOW_SIZE;
    const window = new Uint8Array(Math.min(WINDOW_SIZE, this.limit - start));
    await readInto(this.#source, start, window, signal);
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size < WINDOWS) break;
      this.#windows.delete(oldest);
    }
    this.#windows.set(index, window);
    return window;
  }
}
