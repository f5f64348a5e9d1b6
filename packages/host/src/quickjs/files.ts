import * as os from 'quickjs:os';
import { HostError } from '../error.ts';
import type { EarlyFiles, EarlyPrograms, FileStat } from '../types.ts';
import { checked, failure, isMissing, isThere } from './errno.ts';
import { openReadable, openToRead, readHandle, writeHandle } from './file.ts';

const READ_LIMIT = 16 << 20;
/** A write with it returns when the bytes are on the disk: QuickJS has no fsync(2) (open(2)). */
const O_SYNC = 0o4010000;

function describe({ mode, size, uid, gid, mtime, dev }: os.Status): FileStat {
  const kinds = new Map<number, FileStat['kind']>([
    [os.S_IFREG, 'file'],
    [os.S_IFDIR, 'directory'],
    [os.S_IFLNK, 'symlink'],
    [os.S_IFBLK, 'block-device'],
  ]);
  const kind = kinds.get(mode & os.S_IFMT) ?? 'other';
  return { kind, size, mode: mode & 0o7777, uid, gid, modified: mtime, device: dev };
}

function look(path: string, [status, errno]: [os.Status | null, number]): FileStat | undefined {
  if (status !== null && errno === 0) return describe(status);
  if (isMissing(errno)) return undefined;
  throw failure('look at', path, errno);
}

function readLimited(path: string, limit = READ_LIMIT): Uint8Array | undefined {
  const [status, errno] = os.stat(path);
  if (status === null || errno !== 0) {
    if (isMissing(errno)) return undefined;
    throw failure('read', path, errno);
  }
  if ((status.mode & os.S_IFMT) === os.S_IFIFO) {
    throw new HostError('wrong-kind', `cannot read ${path}: it is a pipe`);
  }
  const handle = openToRead(path);
  try {
    const bytes = readHandle(path, handle, limit);
    if (bytes.length <= limit) return bytes;
    throw new HostError('too-large', `${path} has more than the ${limit} bytes allowed here`);
  } finally {
    os.close(handle);
  }
}

/** Puts a whole file in place; `flags` are further ones of open(2) to write it with. */
function put(path: string, content: Uint8Array | string, mode: number, flags = 0): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const beside = `${path}.${os.getpid()}.new`;
  remove(beside);
  const handle = checked('write', path, os.open(beside, os.O_WRONLY + os.O_CREAT + os.O_EXCL + flags, mode));
  try {
    writeHandle(path, handle, bytes);
  } finally {
    os.close(handle);
  }
  checked('write', path, os.rename(beside, path));
}

function makeDirectory(path: string, mode: number): void {
  const result = os.mkdir(path, mode);
  if (result === 0) return;
  if (isThere(-result) && look(path, os.stat(path))?.kind === 'directory') return;
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (!isMissing(-result) || parent === '') throw failure('make the folder', path, -result);
  makeDirectory(parent, mode);
  makeDirectory(path, mode);
}

function remove(path: string): void {
  const status = look(path, os.lstat(path));
  if (status === undefined) return;
  if (status.kind === 'directory') for (const name of list(path)) remove(`${path}/${name}`);
  checked('remove', path, os.remove(path));
}

function list(path: string): string[] {
  const [names, errno] = os.readdir(path);
  if (errno !== 0) {
    if (isMissing(errno)) return [];
    throw failure('list', path, errno);
  }
  return names.filter((name) => name !== '.' && name !== '..').toSorted(byCodePoints);
}

/** The order of UTF-8's bytes, which JavaScript's own comparison of text has not. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}

/** The files of the machine, for QuickJS, with programs for what it has no calls for. */
export function quickFiles(programs: EarlyPrograms): EarlyFiles {
  async function run(action: string, path: string, argv: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await programs.run([...argv, path]);
    if (exitCode !== 0) throw new HostError('io', `cannot ${action} ${path}: ${stderr.trim()}`);
  }
  const sync = (path: string) => run('flush', path, ['sync']);

  return {
    open: async (path) => openReadable(path),
    stat: async (path) => look(path, os.stat(path)),
    lstat: async (path) => look(path, os.lstat(path)),
    read: async (path, limit) => readLimited(path, limit),
    async readText(path, limit) {
      const bytes = readLimited(path, limit);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    async readLink(path) {
      const [target, errno] = os.readlink(path);
      if (errno === 0) return target;
      if (isMissing(errno)) return undefined;
      throw failure('read the link', path, errno);
    },
    write: async (path, content, mode = 0o644) => put(path, content, mode),
    async replace(path, content, mode = 0o644) {
      put(path, content, mode, O_SYNC);
      await sync(path.slice(0, path.lastIndexOf('/')) || '/');
    },
    list: async (path) => list(path),
    makeDirectory: async (path, mode = 0o755) => makeDirectory(path, mode),
    setOwner: (path, uid, gid) => run('change the owner of', path, ['chown', `${uid}:${gid}`]),
    setMode: (path, mode) => run('change the mode of', path, ['chmod', mode.toString(8)]),
    sync,
    rename: async (from, to) => void checked('rename', `${from} to ${to}`, os.rename(from, to)),
    remove: async (path) => remove(path),
  };
}
