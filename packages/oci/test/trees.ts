import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { byteString, readAll, sha256Hex, toText } from '@cairn/bytes';
import { type Directory, type Inode, walk } from '@cairn/tree';
import { run } from './images.ts';

const CONTENT_LIMIT = 64 << 20;

/**
 * A tree in short, for tests that say what they expect: `etc/`, `etc/a = text`, `l -> target`, `b == a` for a
 * second name of the same inode.
 */
export async function listTree(root: Directory): Promise<string[]> {
  const lines: string[] = [];
  const names = new Map<Inode, string>();
  for (const { path, inode } of walk(root)) {
    const name = toText(path.slice(1));
    if (name === '') continue;
    const first = names.get(inode);
    names.set(inode, first ?? name);
    lines.push(first === undefined ? `${name}${await summary(inode)}` : `${name} == ${first}`);
  }
  return lines;
}

async function summary(inode: Inode): Promise<string> {
  switch (inode.kind) {
    case 'directory':
      return '/';
    case 'file':
      return ` = ${Buffer.from(await readAll(inode.content, CONTENT_LIMIT)).toString()}`;
    case 'symlink':
      return ` -> ${toText(inode.target)}`;
    case 'character-device':
    case 'block-device':
      return ` ${inode.kind} ${inode.major}:${inode.minor}`;
    case 'fifo':
    case 'socket':
      break;
  }
  return ` ${inode.kind}`;
}

/** All there is to know of each inode, by path: the same for a tree and for what another program unpacked. */
export type Description = Readonly<Record<string, string>>;

interface Facts {
  readonly kind: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  readonly xattrs: readonly string[];
  /** Target, device number, or hash. */
  readonly detail: string;
  /** The first path of the same inode. */
  readonly first: string;
}

function line(facts: Facts): string {
  const { kind, mode, uid, gid, mtime, xattrs, detail, first } = facts;
  return [kind, mode.toString(8), `${uid}:${gid}`, mtime, ...[...xattrs].sort(), detail, first].join(' ');
}

export async function describeTree(root: Directory): Promise<Description> {
  const result: Record<string, string> = {};
  const names = new Map<Inode, string>();
  for (const { path, inode } of walk(root)) {
    const first = names.get(inode) ?? path;
    names.set(inode, first);
    const { kind, mode, uid, gid, mtime } = inode;
    result[path] = line({
      kind,
      mode,
      uid,
      gid,
      mtime: String(BigInt(mtime.seconds) * 1_000_000_000n + BigInt(mtime.nanoseconds)),
      xattrs: [...inode.xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`),
      detail: await detailOf(inode),
      first,
    });
  }
  return result;
}

async function detailOf(inode: Inode): Promise<string> {
  if (inode.kind === 'file') return sha256Hex(await readAll(inode.content, CONTENT_LIMIT));
  if (inode.kind === 'symlink') return inode.target;
  return 'major' in inode ? `${inode.major}:${inode.minor}` : '';
}

export function describeFolder(folder: string): Description {
  const result: Record<string, string> = {};
  const names = new Map<bigint, string>();
  const xattrs = readXattrs(folder);
  function visit(path: string): void {
    const real = Buffer.from(folder + path, 'latin1');
    const status = lstatSync(real, { bigint: true });
    const shown = path === '' ? '/' : path;
    const first = names.get(status.ino) ?? shown;
    names.set(status.ino, first);
    result[shown] = line({
      kind: kindOf(status),
      mode: Number(status.mode & 0o7777n),
      uid: Number(status.uid),
      gid: Number(status.gid),
      mtime: String(status.mtimeNs),
      xattrs: xattrs.get(path) ?? [],
      detail: detailOnDisk(real, status),
      first,
    });
    if (!status.isDirectory()) return;
    const entries = readdirSync(real, { encoding: 'buffer' }).map((name) => byteString(name));
    for (const name of entries.sort()) visit(`${path}/${name}`);
  }
  visit('');
  return result;
}

function kindOf(status: BigIntStats): string {
  if (status.isFile()) return 'file';
  if (status.isDirectory()) return 'directory';
  if (status.isSymbolicLink()) return 'symlink';
  if (status.isCharacterDevice()) return 'character-device';
  return status.isBlockDevice() ? 'block-device' : 'fifo';
}

function detailOnDisk(path: Buffer, status: BigIntStats): string {
  if (status.isFile()) return sha256Hex(readFileSync(path));
  if (status.isSymbolicLink()) return byteString(readlinkSync(path, { encoding: 'buffer' }));
  if (!status.isCharacterDevice() && !status.isBlockDevice()) return '';
  // The layout of dev_t in Linux, as in makedev(3).
  const number = status.rdev;
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** By path below the folder, each as `name=hex`. */
function readXattrs(folder: string): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  let current: string[] = [];
  const dump = run('getfattr', '-R', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', folder);
  for (const text of dump.split('\n')) {
    if (text.startsWith('# file: ')) {
      current = [];
      all.set(unescape(text.slice('# file: '.length)).slice(folder.length), current);
    } else if (text.includes('=0x')) {
      current.push(text.replace('=0x', '='));
    }
  }
  return all;
}

/** getfattr writes bytes that are not printable as a backslash and three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
