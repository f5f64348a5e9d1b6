import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import {
  type ByteString,
  byteString,
  bytesOf,
  chunksOf,
  compareBytes,
  memoryTarget,
  sha256OfStream,
} from '@cairn/bytes';
import { type Directory, type Inode, walk } from '@cairn/tree';
import { type ErofsOptions, planErofs, writeErofs } from '../src/index.ts';
import { fileTarget } from './scratch.ts';

export const UUID = Uint8Array.from({ length: 16 }, (_, i) => i + 1);

/** One name as any of the three ways to look at a file system shows it: our tree, our reader, the kernel. */
export interface Seen {
  readonly path: ByteString;
  readonly kind: Inode['kind'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly links: number;
  /** The hash of a file, the target of a link, the number of a device. */
  readonly holds: string;
  readonly xattrs: Readonly<Record<string, string>>;
  /** The first name of the same inode. */
  readonly sameAs: ByteString;
}

export async function imageOf(root: Directory, options: Partial<ErofsOptions> = {}): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeErofs(planErofs(root, { uuid: UUID, ...options }), target);
  return target.bytes();
}

export async function writeImage(
  path: string,
  root: Directory,
  options: Partial<ErofsOptions> = {},
): Promise<void> {
  const layout = planErofs(root, { uuid: UUID, ...options });
  await using target = await fileTarget(path, layout.size);
  await writeErofs(layout, target);
}

export function fsck(image: string): void {
  execFileSync('fsck.erofs', [image], { stdio: 'pipe' });
}

/** Runs `body` with the place where an image is mounted. */
export async function withMount<T>(image: string, body: (point: string) => T | Promise<T>): Promise<T> {
  const point = `${image}.mnt`;
  mkdirSync(point);
  execFileSync('mount', ['-t', 'erofs', '-o', 'loop,ro', image, point], { stdio: 'pipe' });
  try {
    return await body(point);
  } finally {
    execFileSync('umount', [point], { stdio: 'pipe' });
  }
}

/** What a tree should look like once it is a file system. */
export async function seenInTree(root: Directory): Promise<Seen[]> {
  const found = [...walk(root)].sort((a, b) => compareBytes(a.path, b.path));
  const names = Map.groupBy(found, ({ inode }) => inode);
  return Promise.all(
    found.map(async ({ path, inode }) => ({
      path,
      kind: inode.kind,
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      mtime: `${BigInt(inode.mtime.seconds) * 1_000_000_000n + BigInt(inode.mtime.nanoseconds)}`,
      links: inode.kind === 'directory' ? 2 + subdirectories(inode) : (names.get(inode)?.length ?? 0),
      holds: await holds(inode),
      xattrs: hexOf(inode.xattrs),
      sameAs: names.get(inode)?.[0]?.path ?? path,
    })),
  );
}

function subdirectories(directory: Directory): number {
  return [...directory.entries.values()].filter((inode) => inode.kind === 'directory').length;
}

async function holds(inode: Inode): Promise<string> {
  switch (inode.kind) {
    case 'file':
      return sha256OfStream(chunksOf(inode.content));
    case 'symlink':
      return inode.target;
    case 'character-device':
    case 'block-device':
      return `${inode.major}:${inode.minor}`;
    default:
      return '';
  }
}

function hexOf(xattrs: ReadonlyMap<ByteString, Uint8Array>): Record<string, string> {
  const sorted = [...xattrs].sort((a, b) => compareBytes(a[0], b[0]));
  return Object.fromEntries(sorted.map(([name, value]) => [name, Buffer.from(value).toString('hex')]));
}

/** What the kernel makes of a mounted image. */
export function seenInMount(point: string): Seen[] {
  const xattrs = readXattrs(point);
  const first = new Map<bigint, ByteString>();
  return pathsIn(point).map((path) => {
    const real = realPath(point, path);
    const stat = lstatSync(real, { bigint: true });
    const kind = kindOf(Number(stat.mode));
    const sameAs = first.get(stat.ino) ?? path;
    first.set(stat.ino, sameAs);
    return {
      path,
      kind,
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtime: `${stat.mtimeNs}`,
      links: Number(stat.nlink),
      holds: heldBy(kind, real, stat.rdev),
      xattrs: xattrs.get(path === '/' ? '' : path) ?? {},
      sameAs,
    };
  });
}

/** Every path below a mount point, in byte order. */
function pathsIn(point: string): ByteString[] {
  const paths: ByteString[] = ['/'];
  const folders: ByteString[] = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(realPath(point, folder), { encoding: 'buffer', withFileTypes: true })) {
      const path = `${folder}/${byteString(entry.name)}`;
      paths.push(path);
      if (entry.isDirectory()) folders.push(path);
    }
  }
  return paths.sort(compareBytes);
}

function realPath(point: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(point), bytesOf(path)]);
}

const kinds: ReadonlyMap<number, Inode['kind']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'character-device'],
  [0o060000, 'block-device'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
]);

function kindOf(mode: number): Inode['kind'] {
  const kind = kinds.get(mode & 0o170000);
  if (kind === undefined) throw new Error(`mode ${mode.toString(8)}`);
  return kind;
}

function heldBy(kind: Inode['kind'], path: Buffer, device: bigint): string {
  switch (kind) {
    case 'file':
      return hashOfFile(path);
    case 'symlink':
      return byteString(readlinkSync(path, 'buffer'));
    case 'character-device':
    case 'block-device':
      // glibc's makedev for what fits into 32 bits.
      return `${(device >> 8n) & 0xfffn}:${(device & 0xffn) | ((device >> 12n) & 0xfff00n)}`;
    default:
      return '';
  }
}

function hashOfFile(path: Buffer): string {
  const digest = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  const file = openSync(path, 'r');
  try {
    for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) {
      digest.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
  return digest.digest('hex');
}

/** All extended attributes below a mount point, by path in it. */
function readXattrs(point: string): Map<ByteString, Record<string, string>> {
  const output = execFileSync(
    'getfattr',
    ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', point],
    { encoding: 'latin1', maxBuffer: 256 << 20, stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } },
  );
  const found = new Map<ByteString, Record<string, string>>();
  for (const section of output.split('\n\n')) {
    const [head = '', ...lines] = section.split('\n').filter((line) => line !== '');
    if (head === '') continue;
    const path = unquote(head.replace('# file: ', '')).slice(point.length);
    const pairs = lines.map((line): [string, string] => {
      const cut = line.indexOf('=');
      return cut < 0
        ? [unquote(line), '']
        : [unquote(line.slice(0, cut)), line.slice(cut + 1).replace(/^0x/, '')];
    });
    found.set(path, Object.fromEntries(pairs.sort((a, b) => compareBytes(a[0], b[0]))));
  }
  return found;
}

/** getfattr writes bytes that would be hard to read as a backslash and three octal digits. */
function unquote(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
