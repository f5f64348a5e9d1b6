import { type ByteSource, memorySource } from '../src/index.ts';

/** The same bytes, given by a promise, and no more than `most` at a time. */
export function slowSource(bytes: Uint8Array, most: number): ByteSource {
  const source = memorySource(bytes);
  return {
    size: source.size,
    async read(position, target) {
      return source.read(position, target.subarray(0, most));
    },
  };
}

/** A source that says it has more than it has: a file that was cut while it was read. */
export function cutSource(bytes: Uint8Array, size: number): ByteSource {
  return { ...memorySource(bytes), size };
}

/** `start`, `start + 1`, ... */
export function bytesFrom(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => start + index);
}
