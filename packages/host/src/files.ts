import type { Stats } from 'node:fs';
import {
  chmod,
  chown,
  constants,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  symlink,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, HostError, hostError } from './error.ts';
import { openFile } from './open-file.ts';
import type { FileStat, Files, Space } from './types.ts';

const READ_LIMIT = 16 << 20;

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
    // Or the open of a pipe that nobody writes to would never end, and no signal reaches a process that waits for it.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await file.stat();
    if (status.isFIFO()) {
      throw new HostError('wrong-kind', `cannot read ${path}: it is a pipe`);
    }
    const { size } = status;
    const tooLarge = (found: string) =>
      new HostError('too-large', `${path} has ${found} bytes, more than the ${limit} allowed here`);
    if (size > limit) throw tooLarge(String(size));
    // Files of /proc say that they have no bytes, and others may grow meanwhile: reading goes on to the end.
    let buffer = Buffer.allocUnsafe(Math.min(size + 1, limit + 1));
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
      if (length > limit) throw tooLarge(`at least ${length}`);
      if (length < buffer.length) continue;
      const grown = Buffer.allocUnsafe(Math.min(Math.max(4096, buffer.length * 2), limit + 1));
      grown.set(buffer);
      buffer = grown;
    }
  });
}

/** Flushes a file, or a folder, so that a name made or changed in it is on the disk. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function spaceOf(path: string): Promise<Space> {
  const { blocks, bavail, bsize } = await statfs(path);
  return { total: blocks * bsize, free: bavail * bsize, blockSize: bsize };
}

/** A name of its own beside the file, so that two that replace it at once do not write into each other's. */
async function replaceFile(
  path: string,
  content: Uint8Array | string,
  mode: number,
  flush: boolean,
): Promise<void> {
  // By process and time, not by chance: loading node:crypto would be a quarter of a command's start-up.
  const beside = `${path}.${process.pid}-${process.hrtime.bigint()}.new`;
  const file = await open(beside, 'wx', mode);
  try {
    try {
      await file.writeFile(content);
      if (flush) await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw cause;
  }
  if (flush) await syncPath(dirname(path));
}

/** UTF-8 has the order of the code points, which JavaScript's own comparison of text has not. */
function inByteOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
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
    replace: (path, content, mode = 0o644) => on('write', path, () => replaceFile(path, content, mode, true)),
    write: (path, content, mode = 0o644) => on('write', path, () => replaceFile(path, content, mode, false)),
    list: async (path) => inByteOrder((await orMissing('list', path, () => readdir(path))) ?? []),
    makeDirectory: (path, mode = 0o755) =>
      on('make the folder', path, async () => {
        await mkdir(path, { recursive: true, mode });
      }),
    symlink: (target, path) => on('make the link', path, () => symlink(target, path)),
    setOwner: (path, uid, gid) => on('change the owner of', path, () => chown(path, uid, gid)),
    setMode: (path, mode) => on('change the mode of', path, () => chmod(path, mode)),
    sync: (path) => on('flush', path, () => syncPath(path)),
    space: (path) => on('look at the space of', path, () => spaceOf(path)),
    rename: (from, to) => on('rename', `${from} to ${to}`, () => rename(from, to)),
    remove: (path) => on('remove', path, () => rm(path, { recursive: true, force: true })),
  };
}
