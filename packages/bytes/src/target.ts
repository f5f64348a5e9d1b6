import { BytesError } from './error.ts';
import type { ByteSource } from './source.ts';

/**
 * Somewhere bytes are put by position: a file, a partition of a disk image, a block device, memory.
 * The chunk is the caller's again as soon as `write` has returned (or its promise is fulfilled).
 */
export interface ByteTarget {
  write(position: number, chunk: Uint8Array): void | Promise<void>;
}

/** Memory that grows as it is written to; for tests and for small outputs. */
export function memoryTarget(): ByteTarget & { bytes(): Uint8Array } {
  let buffer = new Uint8Array(4096);
  let size = 0;
  return {
    write(position, chunk) {
      const end = position + chunk.length;
      if (end > buffer.length) {
        const grown = new Uint8Array(Math.max(end, buffer.length * 2));
        grown.set(buffer.subarray(0, size));
        buffer = grown;
      }
      buffer.set(chunk, position);
      size = Math.max(size, end);
    },
    bytes: () => buffer.subarray(0, size),
  };
}

/** The same target, with positions counted from `start`: a partition inside a disk. */
export function offsetTarget(target: ByteTarget, start: number): ByteTarget {
  return { write: (position, chunk) => target.write(start + position, chunk) };
}

/** Writes every chunk to each of the targets. When one fails, the others are waited for: none of them still reads the chunk then. */
export function teeTarget(...targets: readonly ByteTarget[]): ByteTarget {
  return {
    write(position, chunk) {
      const pending: Promise<void>[] = [];
      for (const target of targets) {
        try {
          const done = target.write(position, chunk);
          if (done !== undefined) pending.push(done);
        } catch (cause) {
          if (pending.length === 0) throw cause;
          pending.push(Promise.reject(cause));
        }
      }
      return pending.length === 0 ? undefined : allDone(pending);
    },
  };
}

async function allDone(pending: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(pending)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/**
 * Writes one after another onto a target, gathering small pieces into chunks of `capacity` bytes.
 * `flush` must be called at the end. Gaps made by `skipTo` are written as zeros.
 */
export class SequentialWriter {
  readonly #target: ByteTarget;
  readonly #buffer: Uint8Array;
  #filled = 0;
  #flushed: number;

  constructor(target: ByteTarget, options: { start?: number; capacity?: number } = {}) {
    this.#target = target;
    this.#flushed = options.start ?? 0;
    this.#buffer = new Uint8Array(options.capacity ?? 1 << 20);
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#flushed + this.#filled;
  }

  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      const part = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === this.#buffer.length) await this.flush();
    }
  }

  /** Room for up to `length` bytes that the caller fills in place, then announces by `advance`. Saves a copy. */
  async room(length: number): Promise<Uint8Array> {
    if (this.#filled === this.#buffer.length) await this.flush();
    return this.#buffer.subarray(this.#filled, Math.min(this.#buffer.length, this.#filled + length));
  }

  advance(length: number): void {
    this.#filled += length;
  }

  /** Throws `out-of-range` for a position that is behind: what lies there may be written already. */
  async skipTo(position: number): Promise<void> {
    if (position < this.position) {
      throw new BytesError(
        'out-of-range',
        `cannot go back to ${position}, the next byte is ${this.position}`,
      );
    }
    while (this.position < position) {
      const room = await this.room(position - this.position);
      room.fill(0);
      this.advance(room.length);
    }
  }

  async flush(): Promise<void> {
    if (this.#filled === 0) return;
    const done = this.#target.write(this.#flushed, this.#buffer.subarray(0, this.#filled));
    if (done !== undefined) await done;
    this.#flushed += this.#filled;
    this.#filled = 0;
  }
}

/** Copies a whole source to a target, in chunks of 1 MiB. Throws `short-read` when the source ends before its size. */
export async function copy(source: ByteSource, target: ByteTarget, signal?: AbortSignal): Promise<void> {
  const buffer = new Uint8Array(1 << 20);
  let position = 0;
  while (position < source.size) {
    signal?.throwIfAborted();
    const count = await source.read(position, buffer, signal);
    if (count === 0) {
      throw new BytesError('short-read', `the source ends at ${position}, its size is ${source.size}`);
    }
    await target.write(position, buffer.subarray(0, count));
    position += count;
  }
}
