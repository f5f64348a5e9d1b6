import { join } from 'node:path';
import { type ByteSource, chunksOf, copy, sha256OfStream, sliceSource } from '@cairn/bytes';
import { openErofs } from '@cairn/disk';
import type { Files } from '@cairn/host';
import { splitPath } from '@cairn/tree';
import { architectureNamed } from '../architecture.ts';
import { ReleaseError } from '../error.ts';
import { FRAMEWORK_PATHS } from '../facts/framework.ts';
import { rootVerity, takingTurns } from '../output/root.ts';
import { staged } from '../output/staging.ts';
import type { OnProgress } from '../progress.ts';
import { loadRelease } from '../release/load.ts';
import type { Release } from '../release/schema.ts';
import { type DiskImage, startImage } from './image.ts';
import { type ImageRequest, planImage } from './plan.ts';

export interface WriteDiskOptions extends ImageRequest {
  /** The image's path; a file that is there is replaced. */
  readonly out: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

const DAMAGED_HINT = 'It was changed or damaged. Render the release again.';

/**
 * Makes a disk image or an ISO of a release that was rendered before: the same bytes as when it is made along with it. Its files
 * are verified as they are read. The image appears when it is whole.
 *
 * @throws ReleaseError `bad-release` for a release that is not whole, `output-exists`, `too-large`, `bad-option`
 */
export async function writeDisk(
  folder: string,
  doors: { readonly files: Files },
  options: WriteDiskOptions,
): Promise<Release> {
  const { files } = doors;
  const { out, signal, onProgress } = options;
  const release = await loadRelease(files, folder);
  const plan = planImage(options, {
    rootUuid: release.root.uuid,
    rootSize: release.root.size,
    architecture: architectureNamed(release.architecture),
    slotSize: release.slotSize,
  });
  const there = await files.stat(out);
  if (there !== undefined && there.kind !== 'file') {
    throw new ReleaseError('output-exists', `${out} is there already and is not a file`, {
      hint: 'Name another file for the disk image.',
    });
  }
  async function write(partial: string): Promise<Release> {
    await using root = await files.open(join(folder, release.root.file), 'read');
    await using uki = await files.open(join(folder, release.uki.file), 'read');
    await using sbom = await files.open(join(folder, release.sbom.file), 'read');
    await checkDigest(release.uki, uki, signal);
    await checkDigest(release.sbom, sbom, signal);
    await using file = await files.open(partial, 'create');
    const image = await startImage(file, plan);
    await copyRoot(release, root, image, signal, onProgress);
    onProgress?.({ phase: 'disk' });
    const bootLoader = await bootLoaderIn(root, signal);
    await image.finish(release, { uki, bootLoader, sbom }, signal);
    return release;
  }
  return staged(files, out, write, { signal });
}

async function checkDigest(
  { file, sha256 }: Release['uki'] | Release['sbom'],
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  const digest = await sha256OfStream(chunksOf(source, signal));
  if (digest === sha256) return;
  throw new ReleaseError('bad-release', `${file} has the SHA-256 ${digest}, not the release's`, {
    hint: DAMAGED_HINT,
  });
}

/** Copies the EROFS and makes its hash tree anew: if the root hash is the release's, every byte is. */
async function copyRoot(
  { root }: Release,
  source: ByteSource,
  image: DiskImage,
  signal: AbortSignal | undefined,
  onProgress: OnProgress | undefined,
): Promise<void> {
  const verity = rootVerity(image.slot, root.dataSize, root.uuid);
  const target = takingTurns(verity);
  await copy(
    sliceSource(source, 0, root.dataSize),
    {
      async write(position, chunk) {
        await target.write(position, chunk);
        onProgress?.({ phase: 'root', done: position + chunk.length, total: root.dataSize });
      },
    },
    signal,
  );
  const { rootHash } = await verity.finish();
  if (rootHash === root.rootHash) return;
  throw new ReleaseError('bad-release', `${root.file} has the root hash ${rootHash}, not the release's`, {
    hint: DAMAGED_HINT,
  });
}

/** systemd-boot, from the framework in the root. */
export async function bootLoaderIn(root: ByteSource, signal?: AbortSignal): Promise<ByteSource> {
  const image = await openErofs(root, signal === undefined ? {} : { signal });
  let nid = image.root;
  for (const name of splitPath(FRAMEWORK_PATHS.bootLoader)) {
    const entry = (await image.readDirectory(nid, signal)).find((child) => child.name === name);
    if (entry === undefined) {
      throw new ReleaseError('bad-release', `the release's root has no ${FRAMEWORK_PATHS.bootLoader}`);
    }
    nid = entry.nid;
  }
  return image.content(nid, signal);
}
