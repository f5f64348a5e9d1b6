import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { type ByteSource, readAll } from '@cairn/bytes';
import { cpioArchive } from '@cairn/disk';
import { type Directory, makeDirectory, makeFile, place, walk } from '@cairn/tree';
import type { BootKernel } from '../facts/bootable.ts';
import { moduleFiles, selectModules } from '../modules/select.ts';

const compress = promisify(zstdCompress);

/**
 * Measured on 24 MB of Debian's generic modules: level 3 takes 80 ms for 5.5 MB, 6 265 ms for 5.0 MB, 12 930 ms for 4.7 MB.
 * Modules that the distribution has compressed already cost a tenth of that, and gain nothing.
 */
const LEVEL = 6;

/** A selection is some 30 MB; what is far beyond has come from somewhere else. */
const ARCHIVE_LIMIT = 1 << 30;

/**
 * The part of the initrd with the kernel's modules, compressed. It does not depend on the root hash, so that it can be made
 * while the root is written: in another thread, and for that from one piece of memory.
 */
export async function moduleArchive(
  root: Directory,
  kernel: BootKernel,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const tree = makeDirectory();
  const folder = `/usr/lib/modules/${kernel.version}`;
  for (const { path, inode } of moduleFiles(root, kernel.modules, selectModules(kernel.index))) {
    place(tree, `${folder}/${path}`, inode);
  }
  const archive = await readAll(cpioArchive(walk(tree)), ARCHIVE_LIMIT, signal);
  return compress(archive, {
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}

/** The part of the initrd that belongs to one release: files with their text, by path. Small, and not compressed. */
export function textArchive(files: ReadonlyMap<string, string>): ByteSource {
  const tree = makeDirectory();
  for (const [path, text] of files) place(tree, path, makeFile(text));
  return cpioArchive(walk(tree));
}
