import {
  closeSync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  type Stats,
  writeSync,
} from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf, HostError, hostError } from './error.ts';
import type { FileStat, Files, OpenFile, OpenMode } from './types.ts';

const READ_LIMIT = 16 << 20;
const FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', change: 'r+', create: 'wx+' };

/**
 * Reads and writes are synchronous calls: on files in the page cache they cost a tenth of a round trip
 * through Node's thread pool, and an image has tens of thousands of small files.
 */
function openFile(path: string, mode: OpenMode): OpenFile {
  const handle = openSync(path, FLAGS[mode], 0o644);
  const status = fstatSync(handle);
  let size = status.isBlockDevice() ? blockDeviceSize(handle) : status.size;
  let open = true;
  async function close(): Promise<void> {
    if (!open) return;
    open = false;
    closeSync(handle);
  }
  return {
    get size() {
      return size;
    },
    read(position, target, signal) {
      signal?.throwIfAborted();
      try {
        return readSync(handle, target, 0, target.length, position);
      } catch (cause) {
        throw hostError('read', path, cause);
      }
    },
    write(position, chunk) {
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
      try {
        await promisify(fsync)(handle);
      } catch (cause) {
        throw hostError('flush', path, cause);
      }
    },
    async truncate(length) {
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

function describe(status: Stats): FileStat {
  const kind = status.isFile()
    ? 'file'
    : status.isDirectory()
      ? 'directory'
      : status.isSymbolicLink()
        ? 'symlink'
        : status.isBlockDevice()
          ? 'block-device'
          : 'other';
  return {
    kind,
    size: status.size,
    mode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
    modified: status.mtimeMs,
    device: status.dev,
  };
}

/** Runs an action on a path; a failure becomes a HostError that says what was being done to what. */
async function on<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw hostError(action, path, cause);
  }
}

async function orMissing<T>(action: string, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (cause) {
    const number = errnoOf(cause);
    if (number === 'ENOENT' || number === 'ENOTDIR') return undefined;
    throw hostError(action, path, cause);
  }
}

async function readLimited(path: string, limit = READ_LIMIT): Promise<Uint8Array | undefined> {
  return orMissing('read', path, async () => {
    const { size } = await stat(path);
    if (size > limit) {
      throw new HostError('too-large', `${path} has ${size} bytes, more than the ${limit} allowed here`);
    }
    return readFile(path);
  });
}

/** Flushes a folder, so that a name made or changed in it is on the disk. */
async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function replaceFile(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncDirectory(dirname(path));
}

/** The files of the machine this runs on. */
export function realFiles(): Files {
  return {
    open: (path, mode) => on('open', path, async () => openFile(path, mode)),
    stat: (path) => orMissing('look at', path, async () => describe(await stat(path))),
    lstat: (path) => orMissing('look at', path, async () => describe(await lstat(path))),
    read: readLimited,
    async readText(path, limit) {
      const bytes = await readLimited(path, limit);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    readLink: (path) => orMissing('read the link', path, () => readlink(path)),
    replace: (path, content, mode = 0o644) => on('write', path, () => replaceFile(path, content, mode)),
    list: async (path) => (await orMissing('list', path, () => readdir(path)))?.sort() ?? [],
    makeDirectory: (path, mode = 0o755) =>
      on('make the folder', path, async () => {
        await mkdir(path, { recursive: true, mode });
      }),
    symlink: (target, path) => on('make the link', path, () => symlink(target, path)),
    setOwner: (path, uid, gid) => on('change the owner of', path, () => chown(path, uid, gid)),
    setMode: (path, mode) => on('change the mode of', path, () => chmod(path, mode)),
    rename: (from, to) => on('rename', from, () => rename(from, to)),
    remove: (path) => on('remove', path, () => rm(path, { recursive: true, force: true })),
  };
}
