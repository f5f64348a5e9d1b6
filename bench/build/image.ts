import { join } from 'node:path';
import { type ByteString, type Content, sha256Hex } from '@cairn/bytes';
import { buildFramework } from '@cairn/framework';
import type { Host } from '@cairn/host';
import { type ImageDoors, mergeLayers, openImage, type TargetPlatform } from '@cairn/oci';
import { withMountPoints } from '@cairn/release';
import { type NewTarEntry, TarWriter } from '@cairn/tar';
import { type Directory, type Inode, lookupDirectory, type RegularFile, walk } from '@cairn/tree';
import { CACHE, ensureImage } from '../../e2e/support/images.ts';
import { BENCH_CACHE, removeKept, say } from '../support/setup.ts';
import { addFiller, FILLER_VERSION } from './filler.ts';

export const IMAGE_SIZES = ['small', 'large'] as const;
export type ImageSize = (typeof IMAGE_SIZES)[number];

/** A converted image as one tar, which both sides start from. */
export interface BenchImage {
  readonly name: ImageSize;
  readonly tarFile: string;
  /** Of the tar, in bytes. */
  readonly size: number;
}

/** Bytes of files that are added to the small image to make the large one. */
export const FILLER_SIZE: Readonly<Record<ImageSize, number>> = { small: 0, large: 1_700_000_000 };

/** Says which files are added: for the name of what is kept of them. */
export function addedVersion(size: ImageSize): string {
  return `${FILLER_SIZE[size]} ${FILLER_VERSION}`;
}

const PLATFORM: TargetPlatform = { os: 'linux', architecture: 'amd64' };

/** What the tests want of an image and no distribution has: a sparse file of 64 MB, among others. */
const TEST_FILES = 'cairn-test';

/**
 * Debian 13 with kernel and systemd, 200 MB, with the framework and the folders that `cairn build` would add merged in, so that
 * neither side has work that the other has not.
 */
export async function ensureBenchImage(
  host: Host,
  name: ImageSize,
  signal: AbortSignal,
): Promise<BenchImage> {
  const base = await ensureImage(host, 'debian-13', signal);
  const framework = await buildFramework(host, { cacheFolder: join(CACHE, 'framework'), signal });
  const key = sha256Hex([base, framework.digest, FILLER_SIZE[name], FILLER_VERSION].join('\n'));
  const fileName = `image-${name}-${key.slice(0, 12)}.tar`;
  const tarFile = join(BENCH_CACHE, fileName);
  if ((await host.files.stat(tarFile)) === undefined) {
    say(`making the ${name} image`);
    await removeKept(host, `image-${name}-`);
    const fresh = `${tarFile}.new`;
    await writeImage(host, [base, framework.layerFile], FILLER_SIZE[name], fresh, signal);
    await host.files.rename(fresh, tarFile);
  }
  const status = await host.files.stat(tarFile);
  return { name, tarFile, size: status?.size ?? 0 };
}

export async function writeImage(
  host: Host,
  layerFiles: readonly string[],
  fillerSize: number,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const doors: ImageDoors = { files: host.files, programs: host.programs, workFolder: BENCH_CACHE };
  await using stack = new AsyncDisposableStack();
  const layers = [];
  for (const file of layerFiles) {
    const image = stack.use(
      await openImage({ kind: 'tar', path: file }, doors, { platform: PLATFORM, signal }),
    );
    for (const layer of image.layers)
      layers.push({ name: file, tar: stack.use(await layer.open({ signal })) });
  }
  const root = withMountPoints(await mergeLayers(layers, { signal }));
  lookupDirectory(root, '/usr/share')?.entries.delete(TEST_FILES);
  addFiller(root, fillerSize);
  await using file = await host.files.open(path, 'create');
  await writeTree(root, new TarWriter(file, { signal }));
}

async function writeTree(root: Directory, writer: TarWriter): Promise<void> {
  const written = new Map<Inode, ByteString>();
  for (const { path, inode } of walk(root)) {
    const name = `.${path}`;
    const linkTarget = written.get(inode);
    if (linkTarget !== undefined) {
      await writer.add({ path: name, kind: 'hardlink', linkTarget });
      continue;
    }
    if (inode.kind !== 'directory') written.set(inode, name);
    await writer.add({ ...entryOf(inode), path: name });
  }
  await writer.finish();
}

function entryOf(inode: Inode): Omit<NewTarEntry, 'path'> {
  const { mode, uid, gid, mtime, xattrs } = inode;
  const attributes = { mode, uid, gid, mtime, xattrs };
  switch (inode.kind) {
    case 'file':
      return { ...attributes, kind: inode.kind, content: contentOf(inode) };
    case 'symlink':
      return { ...attributes, kind: inode.kind, linkTarget: inode.target };
    case 'character-device':
    case 'block-device':
      return { ...attributes, kind: inode.kind, major: inode.major, minor: inode.minor };
    case 'socket':
      throw new TypeError('a tar has no sockets, and so the image has none');
    default:
      return { ...attributes, kind: inode.kind };
  }
}

/** With holes filled: mkfs.erofs does not know the sparse files of every tar. */
function contentOf({ content }: RegularFile): Content {
  return { size: content.size, read: (position, target, signal) => content.read(position, target, signal) };
}
