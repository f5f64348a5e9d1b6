import { type ByteSource, chunksOf, readExactly, sha256Hex, sha256OfStream } from '@cairn/bytes';
import { DiskError, parseVeritySuperblock, readUki, verifyVerity } from '@cairn/disk';
import type { Files } from '@cairn/host';
import { parseRelease, RELEASE_FILES, RELEASE_LIMIT, type Release } from '@cairn/release';
import { type Watcher, watched } from '../actions/run.ts';
import { AgentError } from '../error.ts';

/** A release folder that is to be installed, looked through. */
export interface Candidate {
  readonly folder: string;
  readonly release: Release;
  /** `release.json`, as it is. */
  readonly description: { readonly size: number; readonly sha256: string };
}

const BLOCK = 4096;
const HINT = 'It was cut short, changed or damaged. Fetch or render it again.';

/**
 * Reads a release's description, and checks that root and UKI are there, as large as it says, the UKI with its digest and the
 * command line that boots this root, and that the root's hash tree has the root hash on top.
 *
 * @throws AgentError `bad-release`
 */
export async function loadCandidate(files: Files, folder: string, signal?: AbortSignal): Promise<Candidate> {
  const path = `${folder}/${RELEASE_FILES.description}`;
  const bytes = await files.read(path, RELEASE_LIMIT);
  if (bytes === undefined) {
    throw new AgentError(
      'bad-release',
      `${folder} is not a release: it has no ${RELEASE_FILES.description}`,
      {
        hint: 'Name the folder that `cairn build` made, or an image: oci:DIR, docker-archive:FILE, ghcr.io/me/os:1.',
      },
    );
  }
  const release = parseRelease(bytes);
  for (const { file, size } of [release.root, release.uki]) {
    const found = await files.stat(`${folder}/${file}`);
    if (found?.kind === 'file' && found.size === size) continue;
    const what = found === undefined ? 'is not there' : `has ${found.size} bytes instead of ${size}`;
    throw new AgentError('bad-release', `${folder}/${file} ${what}`, { hint: HINT });
  }
  await using root = await files.open(`${folder}/${release.root.file}`, 'read');
  await using uki = await files.open(`${folder}/${release.uki.file}`, 'read');
  await checkParts({ release, root, uki, place: folder }, signal);
  return { folder, release, description: { size: bytes.length, sha256: sha256Hex(bytes) } };
}

/** Reads the whole root, and verifies each of its blocks. Throws AgentError `bad-release`, HostError. */
export async function verifyCandidate(
  files: Files,
  { folder, release: { root } }: Candidate,
  watcher: Watcher,
): Promise<void> {
  const path = `${folder}/${root.file}`;
  await using file = await files.open(path, 'read');
  try {
    await verifyVerity(watched(file, root.size, watcher, 'check'), root.rootHash, {
      hashOffset: root.hashOffset,
      ...(watcher.signal === undefined ? {} : { signal: watcher.signal }),
    });
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    throw new AgentError('bad-release', `${path}: ${cause.message}`, { hint: HINT, cause });
  }
}

/** A release, opened. */
export interface OpenRelease {
  readonly release: Release;
  readonly root: ByteSource;
  readonly uki: ByteSource;
  /** Where it is, for messages. */
  readonly place: string;
}

/** Checks that root and UKI are those of the description, as far as can be told without reading the whole root. Throws AgentError `bad-release`. */
export async function checkParts(parts: OpenRelease, signal?: AbortSignal): Promise<void> {
  await checkTop(parts);
  await checkUki(parts, signal);
}

/** Without a salt the root hash is the SHA-256 of the tree's top block, which follows the header. */
async function checkTop({ release: { root }, root: file, place }: OpenRelease): Promise<void> {
  const header = await readExactly(file, root.hashOffset, BLOCK);
  const top = await readExactly(file, root.dataSize > BLOCK ? root.hashOffset + BLOCK : 0, BLOCK);
  try {
    const { dataBlocks, salt } = parseVeritySuperblock(header);
    const isOurs = dataBlocks * BLOCK === root.dataSize && salt.length === 0;
    if (isOurs && sha256Hex(top) === root.rootHash) return;
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
  }
  throw new AgentError(
    'bad-release',
    `${place}/${root.file} is not the root with the hash ${root.rootHash}`,
    {
      hint: HINT,
    },
  );
}

async function checkUki(
  { release: { uki, root, commandLine }, uki: file, place }: OpenRelease,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = `${place}/${uki.file}`;
  const found = await sha256OfStream(chunksOf(file, signal));
  if (found !== uki.sha256) {
    throw new AgentError('bad-release', `${path} has the SHA-256 ${found}, the release says ${uki.sha256}`, {
      hint: HINT,
    });
  }
  let line: string | undefined;
  try {
    const section = (await readUki(file)).sections.find(({ name }) => name === '.cmdline');
    const bytes = section && (await readExactly(file, section.offset, section.size, signal));
    line = bytes && new TextDecoder().decode(bytes).replace(/\0+$/, '');
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    throw new AgentError('bad-release', `${path} is not a UKI: ${cause.message}`, { hint: HINT, cause });
  }
  if (line === commandLine && ` ${line} `.includes(` roothash=${root.rootHash} `)) return;
  throw new AgentError(
    'bad-release',
    `${path} does not boot the release’s root: its command line is another`,
    {
      hint: HINT,
    },
  );
}
