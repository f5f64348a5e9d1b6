import { join } from 'node:path';
import { type ByteSource, chunksOf, readExactly, sha256Hex, sha256OfStream, sliceSource } from '@cairn/bytes';
import { openErofs } from '@cairn/disk';
import type { Files } from '@cairn/host';
import { SweepError } from '../error.ts';

/** What of a release decides whether a disk boots it. */
export interface SweepRelease {
  /** What verdicts call it. */
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly rootHash: string;
  /** EROFS, verity header and tree: the start of a slot that holds the release. */
  readonly root: ByteSource;
  /** Where in it the verity header is; the tree's top block is 4096 bytes behind. */
  readonly hashOffset: number;
  readonly uki: ByteSource;
}

/** Where the framework has the boot loader, in the root. */
const LOADER_PATH = ['usr', 'lib', 'cairn', 'boot.efi'];
const BLOCK = 4096;
const DESCRIPTION_LIMIT = 1 << 20;

/**
 * Opens a release folder, which the caller must not change while the sweep runs. The UKI is held against its digest, and the
 * top block of the tree against the root hash.
 *
 * @throws SweepError `bad-release`
 */
export async function openRelease(
  files: Files,
  folder: string,
  name: string,
  signal?: AbortSignal,
): Promise<SweepRelease> {
  const text = await files.readText(join(folder, 'release.json'), DESCRIPTION_LIMIT);
  if (text === undefined) throw new SweepError('bad-release', `${folder} has no release.json`);
  const description = parseDescription(text, folder);
  const root = await files.open(join(folder, 'root.erofs'), 'read');
  const uki = await files.open(join(folder, 'uki.efi'), 'read');
  if (root.size !== description.rootSize) {
    throw new SweepError(
      'bad-release',
      `${folder}/root.erofs has ${root.size} bytes, not ${description.rootSize}`,
    );
  }
  if ((await sha256OfStream(chunksOf(uki, signal))) !== description.ukiDigest) {
    throw new SweepError('bad-release', `${folder}/uki.efi is not what release.json says`);
  }
  const release = { name, rootHash: description.rootHash, root, hashOffset: description.hashOffset, uki };
  await checkTopBlock(release, signal);
  return release;
}

/** @throws SweepError `bad-release` when the root hash is not that of the tree's top block */
export async function checkTopBlock(release: SweepRelease, signal?: AbortSignal): Promise<void> {
  const top = await readExactly(release.root, release.hashOffset + BLOCK, BLOCK, signal);
  if (sha256Hex(top) === release.rootHash) return;
  throw new SweepError('bad-release', `the root of ${release.name} does not have its root hash`);
}

/** The boot loader that a release brings; undefined where its root has none. */
export async function loaderOf(release: SweepRelease, signal?: AbortSignal): Promise<ByteSource | undefined> {
  const options = signal === undefined ? {} : { signal };
  const image = await openErofs(sliceSource(release.root, 0, release.hashOffset), options);
  let nid = image.root;
  for (const name of LOADER_PATH) {
    const entries = await image.readDirectory(nid, signal);
    const found = entries.find((entry) => entry.name === name);
    if (found === undefined) return undefined;
    nid = found.nid;
  }
  return image.content(nid, signal);
}

interface Description {
  readonly rootHash: string;
  readonly rootSize: number;
  readonly hashOffset: number;
  readonly ukiDigest: string;
}

function parseDescription(text: string, folder: string): Description {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SweepError('bad-release', `${folder}/release.json is not JSON`, { cause });
  }
  const rootHash = field(value, 'root', 'rootHash');
  const rootSize = field(value, 'root', 'size');
  const hashOffset = field(value, 'root', 'hashOffset');
  const ukiDigest = field(value, 'uki', 'sha256');
  if (
    typeof rootHash === 'string' &&
    typeof rootSize === 'number' &&
    typeof hashOffset === 'number' &&
    typeof ukiDigest === 'string'
  ) {
    return { rootHash, rootSize, hashOffset, ukiDigest };
  }
  throw new SweepError('bad-release', `${folder}/release.json does not say what its root and UKI are`);
}

function field(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[name];
  }
  return current;
}
