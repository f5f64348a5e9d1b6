import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { HostError, hostError } from './error.ts';
import type { OpenFile, OpenMode } from './types.ts';

const FLAGS: Readonly<Record<OpenMode, string | number>> = {
  read: 'r',
  change: 'r+',
  create: 'wx+',
  exclusive: constants.O_RDWR | constants.O_EXCL,
};

/**
 * Reads and writes are synchronous calls: on files in the page cache they cost a tenth of a round trip
 * through Node's thread pool, and an image has tens of thousands of small files.
 */
export function openFile(path: string, mode: OpenMode): OpenFile {
  // Looked at before it is opened: opening a pipe that nobody writes to would stop the whole process.
  if (mode !== 'create') checkKind(path);
  const handle = openSync(path, FLAGS[mode], 0o644);
  let size: number;
  try {
    size = sizeOf(handle);
  } catch (cause) {
    closeSync(handle);
    throw cause;
  }
  let isOpen = true;
  /** The number of a closed file is given to the next one that is opened: using it would damage that one. */
  function checkOpen(action: string): void {
    if (!isOpen) throw new HostError('io', `cannot ${action} ${path}: it is closed`);
  }
  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    try {
      closeSync(handle);
    } catch (cause) {
      throw hostError('close', path, cause);
    }
  }
  return {
    get size() {
      return size;
    },
    read(position, target, signal) {
      signal?.throwIfAborted();
      checkOpen('read');
      try {
        return readSync(handle, target, 0, target.length, position);
      } catch (cause) {
        throw hostError('read', path, cause);
      }
    },
    write(position, chunk) {
      checkOpen('write to');
      try {
        for (let done = 0; done < chunk.length; ) {
          done += writeSync(handle, chunk, done, chunk.length - done, position + done);
        }
      } catch (cause) {
        throw hostError('write to', path, cause);
      }
      size = Math.max(size, position + chunk.length);
    },
    async sync() {
      checkOpen('flush');
      try {
        await promisify(fsync)(handle);
      } catch (cause) {
        throw hostError('flush', path, cause);
      }
    },
    async truncate(length) {
      checkOpen('resize');
      try {
        ftruncateSync(handle, length);
        size = length;
      } catch (cause) {
        throw hostError('resize', path, cause);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkKind(path: string): void {
  const status = statSync(path);
  if (status.isFile() || status.isBlockDevice()) return;
  const what = status.isDirectory() ? 'a folder' : status.isFIFO() ? 'a pipe' : 'a device or socket';
  throw new HostError('wrong-kind', `cannot open ${path}: it is ${what}, not a file or block device`);
}

function sizeOf(handle: number): number {
  const status = fstatSync(handle);
  return status.isBlockDevice() ? blockDeviceSize(handle) : status.size;
}

/** A block device says 0 in stat(2); its end is found by halving, since Node has neither lseek(2) nor ioctl(2). */
function blockDeviceSize(handle: number): number {
  const probe = new Uint8Array(1);
  const readable = (sector: number) => readSync(handle, probe, 0, 1, sector * 512) === 1;
  let low = 0;
  let high = 1;
  while (high < 2 ** 44 && readable(high)) high *= 2;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (readable(middle)) low = middle + 1;
    else high = middle;
  }
  return low * 512;
}
