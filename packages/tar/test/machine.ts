import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteString, byteString, bytesOf, memorySource, toText } from '@cairn/bytes';
import type { NewTarEntry } from '../src/index.ts';

/** Entries laid out as files by the machine's own tools, and read back, to hold archives against. Needs root. */

export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'cairn-tar-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function gnuTar(folder: string, args: readonly string[], input: ByteString = ''): string {
  return execFileSync('tar', ['-C', folder, ...args], {
    input: bytesOf(input),
    encoding: 'utf8',
    // It warns of times long ago: only to be shown where it fails.
    stdio: 'pipe',
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC0' },
  });
}

/** Packs the paths of these entries, in this order, with GNU tar. */
export function pack(
  folder: string,
  archive: string,
  entries: readonly NewTarEntry[],
  args: readonly string[],
): void {
  const names = entries.map((entry) => `${entry.path}\0`).join('');
  gnuTar(folder, ['--no-recursion', '--null', '--files-from=-', ...args, '-cf', archive], names);
}

function pathIn(folder: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), bytesOf(path)]);
}

/** Makes the files that the entries describe; directories get their times last. */
export async function layOut(folder: string, entries: readonly NewTarEntry[]): Promise<void> {
  for (const entry of entries) {
    const path = pathIn(folder, entry.path);
    await make(path, folder, entry);
    if (entry.kind === 'hardlink') continue;
    lchownSync(path, entry.uid ?? 0, entry.gid ?? 0);
    if (entry.kind !== 'symlink') chmodSync(path, entry.mode ?? 0o644);
    for (const [name, value] of entry.xattrs ?? []) {
      const hex = `0x${Buffer.from(value).toString('hex')}`;
      execFileSync('setfattr', ['-h', '-n', toText(name), '-v', hex, path.toString()]);
    }
  }
  for (const { path, mtime = { seconds: 0, nanoseconds: 0 } } of entries.toReversed()) {
    const moment = new Date(mtime.seconds * 1000).toISOString().slice(0, 19);
    const time = `${moment}.${String(mtime.nanoseconds).padStart(9, '0')}Z`;
    execFileSync('xargs', ['-0', 'touch', '-h', '-d', time, '--'], { input: pathIn(folder, path) });
  }
}

async function make(path: Buffer, folder: string, entry: NewTarEntry): Promise<void> {
  switch (entry.kind) {
    case 'file':
      return makeFile(path, entry);
    case 'directory':
      return mkdirSync(path);
    case 'symlink':
      return symlinkSync(bytesOf(entry.linkTarget ?? '') as Buffer, path);
    case 'hardlink':
      return linkSync(pathIn(folder, entry.linkTarget ?? ''), path);
    case 'fifo':
      execFileSync('mkfifo', [path.toString()]);
      return;
    case 'character-device':
    case 'block-device': {
      const type = entry.kind === 'block-device' ? 'b' : 'c';
      execFileSync('mknod', [path.toString(), type, String(entry.major), String(entry.minor)]);
    }
  }
}

async function makeFile(path: Buffer, { content }: NewTarEntry): Promise<void> {
  const file = openSync(path, 'wx');
  const size = content?.size ?? 0;
  for (const { start, end } of content?.data ?? [{ start: 0, end: size }]) {
    const bytes = new Uint8Array(end - start);
    await content?.read(start, bytes);
    writeSync(file, bytes, 0, bytes.length, start);
  }
  ftruncateSync(file, size);
  closeSync(file);
}

/** What the machine says of the file at a path. Which name of a hard link came first is the caller's to know. */
export function readBack(folder: string, { path, kind, linkTarget }: NewTarEntry): NewTarEntry {
  const full = pathIn(folder, path);
  const stat = lstatSync(full, { bigint: true });
  const device = Number(stat.rdev);
  const isDevice = stat.isBlockDevice() || stat.isCharacterDevice();
  const seconds = stat.mtimeNs / 1_000_000_000n - (stat.mtimeNs % 1_000_000_000n < 0n ? 1n : 0n);
  const found = kindOf(stat);
  const isSameFile =
    kind === 'hardlink' && stat.ino === lstatSync(pathIn(folder, linkTarget ?? ''), { bigint: true }).ino;
  return {
    path,
    kind: isSameFile ? 'hardlink' : found,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: { seconds: Number(seconds), nanoseconds: Number(stat.mtimeNs - seconds * 1_000_000_000n) },
    xattrs: xattrsOf(full),
    linkTarget: isSameFile
      ? (linkTarget ?? '')
      : found === 'symlink'
        ? byteString(readlinkSync(full, 'buffer'))
        : '',
    // glibc's gnu_dev_major and gnu_dev_minor, for numbers below 2^32.
    major: isDevice ? (device >>> 8) & 0xfff : 0,
    minor: isDevice ? (device & 0xff) | ((device >>> 12) & 0xfff00) : 0,
    content: memorySource(found === 'file' && !isSameFile ? readFileSync(full) : new Uint8Array(0)),
  };
}

function kindOf(stat: ReturnType<typeof lstatSync> & object): NewTarEntry['kind'] {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character-device';
  if (stat.isBlockDevice()) return 'block-device';
  return stat.isFIFO() ? 'fifo' : 'file';
}

function xattrsOf(path: Buffer): ReadonlyMap<ByteString, Uint8Array> {
  const lines = execFileSync(
    'xargs',
    ['-0', 'getfattr', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', '--'],
    {
      input: path,
      encoding: 'latin1',
    },
  );
  const xattrs = new Map<ByteString, Uint8Array>();
  for (const [, name = '', value = ''] of lines.matchAll(/^([^#\s=]+)=0x([0-9a-f]*)$/gm)) {
    const unescaped = name.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    xattrs.set(unescaped, Buffer.from(value, 'hex'));
  }
  return xattrs;
}
