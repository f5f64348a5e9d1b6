import { promisify } from 'node:util';
import { constants as zlib, zstdCompress } from 'node:zlib';
import { memoryTarget, sha256Hex } from '@cairn/bytes';
import { type NewTarEntry, TarWriter } from '@cairn/tar';
import { type Directory, type Inode, walk } from '@cairn/tree';

const compress = promisify(zstdCompress);

/** The folders that are ours. All others belong to the image, which keeps its own owner, mode and time of them. */
const OWN_FOLDER = '/usr/lib/cairn';

/** A tree as tar entries, without the end of the archive, so that pieces follow one another. */
export async function tarPiece(tree: Directory): Promise<Uint8Array> {
  const target = memoryTarget();
  const writer = new TarWriter(target);
  for (const { path, inode } of walk(tree)) {
    if (inode.kind === 'directory' && !path.startsWith(OWN_FOLDER)) continue;
    await writer.add({ ...entryOf(inode), path: path.slice(1) });
  }
  const { position } = writer;
  await writer.finish();
  return target.bytes().subarray(0, position);
}

/** An inode as a tar entry that has no path yet. */
export function entryOf(inode: Inode): Omit<NewTarEntry, 'path'> {
  const { mode, uid, gid, mtime, xattrs } = inode;
  const attributes = { mode, uid, gid, mtime, xattrs };
  switch (inode.kind) {
    case 'file':
      return { ...attributes, kind: inode.kind, content: inode.content };
    case 'symlink':
      return { ...attributes, kind: inode.kind, linkTarget: inode.target };
    case 'directory':
      return { ...attributes, kind: inode.kind };
    default:
      throw new TypeError(`the framework has no ${inode.kind}`);
  }
}

/** The two zero blocks that end an archive. */
export const TAR_END = new Uint8Array(1024);

/** One zstd frame with a checksum. A layer is a row of such frames, so that a piece that stays the same is not compressed again. */
export function compressFrame(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  return compress(bytes, {
    params: { [zlib.ZSTD_c_compressionLevel]: level, [zlib.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The name of a piece in the cache: what it is made from and how. */
export function frameKey(bytes: Uint8Array, level: number): string {
  return sha256Hex(`zstd ${process.versions.zstd} level ${level} ${sha256Hex(bytes)}`);
}
