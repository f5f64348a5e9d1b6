import { join } from 'node:path';
import { type ByteSource, chunksOf, readExactly, sha256OfStream, sliceSource } from '@cairn/bytes';
import { type ErofsSuperblock, parseErofsSuperblock } from '@cairn/disk';
import type { Files } from '@cairn/host';
import { loadRelease, RELEASE_FILES } from '@cairn/release';

/** EROFS has its superblock in the first block. */
const BLOCK = 4096;

/** A root but for its id, which is made of the image's digest and so another one for each way to write an image down. */
export interface RootContent {
  readonly superblock: Omit<ErofsSuperblock, 'uuid'>;
  /** Of all that follows the superblock, hash tree excluded. */
  readonly sha256: string;
}

export async function readRootContent(files: Files, release: string): Promise<RootContent> {
  const { root } = await loadRelease(files, release);
  await using file = await files.open(join(release, RELEASE_FILES.root), 'read');
  const { uuid: _, ...superblock } = parseErofsSuperblock(await readExactly(file, 0, BLOCK));
  const rest: ByteSource = sliceSource(file, BLOCK, root.dataSize - BLOCK);
  return { superblock, sha256: await sha256OfStream(chunksOf(rest)) };
}
