import { BytesError } from './error.ts';

/**
 * Bytes that can be read at any position: a file, a part of one, a block device, memory.
 *
 * `read` fills `target` from `position` on and gives the number of bytes read; fewer than asked only at
 * the end. It may answer at once instead of by a promise: loops over many small reads test for a number
 * before they await, which is what makes an image of 50,000 small files fast to write.
 */
export interface ByteSource {
  readonly size: number;
  read(position: number, target: Uint8Array, signal?: AbortSignal): number | Promise<number>;
}

/** A half-open range of bytes: `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A file's bytes. `data` lists the ranges that are stored, ascending; all others are holes of zeros. Without it, all is stored. */
export interface Content extends ByteSource {
  readonly data?: readonly Range[];
}

const CHUNK = 1 << 20;

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(position, target) {
      const part = bytes.subarray(position, position + target.length);
      target.set(part);
      return part.length;
    },
  };
}

/** The bytes `[start, start + size)` of another source, as a source of their own. */
export function sliceSource(source: ByteSource, start: number, size: number): ByteSource {
  if (!(start >= 0 && size >= 0 && start + size <= source.size)) {
    throw new BytesError('out-of-range', `bytes ${start} to ${start + size} are outside of ${source.size}`);
  }
  return {
    size,
    read(position, target, signal) {
      const left = Math.max(0, size - position);
      return source.read(start + position, left < target.length ? target.subarray(0, left) : target, signal);
    },
  };
}

/** Several sources one after another, as one. */
export function concatSource(sources: readonly ByteSource[]): ByteSource {
  const parts: { readonly source: ByteSource; readonly start: number }[] = [];
  let size = 0;
  for (const source of sources) {
    if (source.size === 0) continue;
    parts.push({ source, start: size });
    size += source.size;
  }

  function indexAt(position: number): number {
    let low = 0;
    let high = parts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((parts[middle]?.start ?? 0) <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  function read(position: number, target: Uint8Array, signal?: AbortSignal): number | Promise<number> {
    let done = 0;
    for (let index = indexAt(position); done < target.length && position + done < size; index++) {
      const part = parts[index];
      if (part === undefined) break;
      const offset = position + done - part.start;
      const answer = part.source.read(
        offset,
        target.subarray(done, done + part.source.size - offset),
        signal,
      );
      if (typeof answer !== 'number') return continueAfter(answer, position, done, target, signal);
      if (answer < Math.min(target.length - done, part.source.size - offset)) return done + answer;
      done += answer;
    }
    return done;
  }

  async function continueAfter(
    answer: Promise<number>,
    position: number,
    before: number,
    target: Uint8Array,
    signal?: AbortSignal,
  ): Promise<number> {
    const count = await answer;
    const done = before + count;
    if (count === 0 || done === target.length) return done;
    return done + (await read(position + done, target.subarray(done), signal));
  }

  return { size, read };
}

/** Fills the whole of `target`, or throws `short-read`. */
export async function readInto(
  source: ByteSource,
  position: number,
  target: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const answer = source.read(position + done, target.subarray(done), signal);
    const count = typeof answer === 'number' ? answer : await answer;
    if (count === 0) {
      throw new BytesError(
        'short-read',
        `wanted ${target.length} bytes at ${position}, there are ${done} (size ${source.size})`,
      );
    }
    done += count;
  }
}

/** `length` bytes at `position` in a buffer of their own; throws `short-read` before it reserves memory that the source cannot fill, `out-of-range` for what is no range. */
export async function readExactly(
  source: ByteSource,
  position: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (!(position >= 0 && length >= 0)) {
    throw new BytesError('out-of-range', `${length} bytes at ${position} are no range`);
  }
  if (position + length > source.size) {
    throw new BytesError('short-read', `wanted ${length} bytes at ${position}, the size is ${source.size}`);
  }
  const target = new Uint8Array(length);
  await readInto(source, position, target, signal);
  return target;
}

/** All of a source that the caller knows to be small; `limit` says how small. */
export async function readAll(source: ByteSource, limit: number, signal?: AbortSignal): Promise<Uint8Array> {
  if (source.size > limit) {
    throw new BytesError('out-of-range', `${source.size} bytes are more than the ${limit} allowed here`);
  }
  return readExactly(source, 0, source.size, signal);
}

/** A source as a stream of chunks. Each chunk is a buffer of its own, so that it may be kept. */
export async function* chunksOf(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < source.size; position += CHUNK) {
    signal?.throwIfAborted();
    yield await readExactly(source, position, Math.min(CHUNK, source.size - position), signal);
  }
}
