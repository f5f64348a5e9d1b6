import { type ByteTarget, type Content, readInto } from '@cairn/bytes';

const CHUNK = 1 << 20;

/** Copies what of a file is stored to a place in a target that reads as zeros: holes stay holes. */
export async function copyContent(
  content: Content,
  target: ByteTarget,
  start: number,
  signal?: AbortSignal,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(CHUNK, content.size));
  for (const range of content.data ?? [{ start: 0, end: content.size }]) {
    for (let position = range.start; position < range.end; position += CHUNK) {
      signal?.throwIfAborted();
      const chunk = buffer.subarray(0, Math.min(CHUNK, range.end - position));
      await readInto(content, position, chunk, signal);
      await target.write(start + position, chunk);
    }
  }
}
