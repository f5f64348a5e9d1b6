import { type ByteSource, type ByteString, byteString, readInto } from '@cairn/bytes';
import { type Directory, type Inode, walk } from '@cairn/tree';

/** What is different of a file that both have. Times are not looked at: a rebuilt image has others. */
export type Aspect = 'kind' | 'content' | 'mode' | 'owner' | 'xattrs' | 'target' | 'device';

export interface ChangedFile {
  readonly path: ByteString;
  readonly aspects: readonly Aspect[];
  /** Bytes of content, of the one and of the other. */
  readonly sizes: readonly [before: number, after: number];
}

export interface OneFile {
  readonly path: ByteString;
  readonly size: number;
}

export interface FileDiff {
  readonly added: readonly OneFile[];
  readonly removed: readonly OneFile[];
  readonly changed: readonly ChangedFile[];
  /** How many files both have that are the same in all of that. */
  readonly same: number;
}

const CHUNK = 1 << 18;

/** Compares two file trees. Contents are read only where sizes are the same, a chunk of each at a time. */
export async function diffTrees(
  before: Directory,
  after: Directory,
  signal?: AbortSignal,
): Promise<FileDiff> {
  const old = new Map([...walk(before)].map(({ path, inode }) => [path, inode] as const));
  const added: OneFile[] = [];
  const changed: ChangedFile[] = [];
  let same = 0;
  for (const { path, inode } of walk(after)) {
    signal?.throwIfAborted();
    const was = old.get(path);
    old.delete(path);
    if (was === undefined) {
      added.push({ path, size: sizeOf(inode) });
      continue;
    }
    const aspects = await aspectsOf(was, inode, signal);
    if (aspects.length === 0) same++;
    else changed.push({ path, aspects, sizes: [sizeOf(was), sizeOf(inode)] });
  }
  const removed = [...old].map(([path, inode]) => ({ path, size: sizeOf(inode) }));
  return { added, removed, changed, same };
}

function sizeOf(inode: Inode): number {
  return inode.kind === 'file' ? inode.content.size : 0;
}

async function aspectsOf(before: Inode, after: Inode, signal: AbortSignal | undefined): Promise<Aspect[]> {
  const aspects: Aspect[] = [];
  if (before.mode !== after.mode) aspects.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) aspects.push('owner');
  if (!sameXattrs(before, after)) aspects.push('xattrs');
  if (before.kind !== after.kind) aspects.push('kind');
  else if (before.kind === 'symlink' && after.kind === 'symlink' && before.target !== after.target)
    aspects.push('target');
  else if (before.kind === 'file' && after.kind === 'file') {
    if (!(await sameBytes(before.content, after.content, signal))) aspects.push('content');
  } else if ('major' in before && 'major' in after) {
    if (before.major !== after.major || before.minor !== after.minor) aspects.push('device');
  }
  return aspects;
}

function sameXattrs(before: Inode, after: Inode): boolean {
  if (before.xattrs.size !== after.xattrs.size) return false;
  for (const [name, value] of before.xattrs) {
    const other = after.xattrs.get(name);
    if (other === undefined || byteString(other) !== byteString(value)) return false;
  }
  return true;
}

async function sameBytes(a: ByteSource, b: ByteSource, signal: AbortSignal | undefined): Promise<boolean> {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  const [one, two] = [Buffer.alloc(Math.min(CHUNK, a.size)), Buffer.alloc(Math.min(CHUNK, a.size))];
  for (let at = 0; at < a.size; at += CHUNK) {
    const length = Math.min(CHUNK, a.size - at);
    await readInto(a, at, one.subarray(0, length), signal);
    await readInto(b, at, two.subarray(0, length), signal);
    if (!one.subarray(0, length).equals(two.subarray(0, length))) return false;
  }
  return true;
}
