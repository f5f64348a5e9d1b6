import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import type { ByteSource } from '@cairn/bytes';
import { checked } from './errno.ts';

const O_NONBLOCK = 0o4000;
const PIECE = 1 << 16;

/** A file or block device that is read. */
export interface ReadableFile extends ByteSource, AsyncDisposable {
  close(): Promise<void>;
}

export function openReadable(path: string): ReadableFile {
  const handle = openToRead(path);
  // A block device has its size here too, where stat(2) says 0.
  const size = checked('look at', path, os.seek(handle, 0, std.SEEK_END));
  let isOpen = true;
  async function close(): Promise<void> {
    if (isOpen) os.close(handle);
    isOpen = false;
  }
  return {
    size,
    read(position, target) {
      checked('read', path, os.seek(handle, position, std.SEEK_SET));
      return checked('read', path, os.read(handle, target.buffer, target.byteOffset, target.length));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Opening does not wait for the other end of a pipe, or a CD for its disc. */
export function openToRead(path: string): number {
  return checked('open', path, os.open(path, os.O_RDONLY + O_NONBLOCK));
}

/** All that there is from here on, or the first bytes of it, one more than `limit`. */
export function readHandle(path: string, handle: number, limit: number): Uint8Array {
  let buffer = new Uint8Array(Math.min(PIECE, limit + 1));
  let length = 0;
  for (;;) {
    const count = checked('read', path, os.read(handle, buffer.buffer, length, buffer.length - length));
    length += count;
    if (count === 0 || length > limit) return buffer.subarray(0, length);
    if (length < buffer.length) continue;
    const grown = new Uint8Array(Math.min(buffer.length * 2, limit + 1));
    grown.set(buffer);
    buffer = grown;
  }
}

export function writeHandle(path: string, handle: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const count = os.write(handle, bytes.buffer, bytes.byteOffset + done, bytes.length - done);
    done += checked('write', path, count);
  }
}
