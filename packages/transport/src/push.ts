import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { memorySource, sliceSource } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import {
  type Digest,
  digestOf,
  type FetchedManifest,
  isDigest,
  OciError,
  parseManifest,
  type Registry,
  type RegistryReference,
} from '@cairn/oci';
import { loadRelease, RELEASE_FILES, RELEASE_LIMIT, type Release } from '@cairn/release';
import { type Artifact, type BlobRef, encodeArtifact, MANIFEST_TYPE } from './artifact.ts';
import { TransportError } from './error.ts';
import { writeFrames } from './frames.ts';

export interface TransportProgress {
  readonly phase: 'pack' | 'push' | 'pull' | 'unpack' | 'verify';
  readonly done: number;
  readonly total: number;
}

/** What is not there: a registry may say so of a repository that it has not got. */
const MISSING: ReadonlySet<string> = new Set([
  'tag-unknown',
  'name-unknown',
  'manifest-unknown',
  'blob-unknown',
]);

interface Watched {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransportProgress) => void) | undefined;
}

export interface PushOptions extends Watched {
  /** Of Zstandard; see `LEVELS`. */
  readonly level?: number;
  /** For the packed root, which is removed again. */
  readonly workFolder: string;
}

export interface Pushed {
  readonly release: Release;
  readonly digest: Digest;
  /** Of the image that it was put beside. */
  readonly subject: Digest | undefined;
  /** Bytes that went over the network. */
  readonly transferred: number;
}

/**
 * Puts a release into a repository. If the reference's tag or digest names the image that it was made of, it becomes a referrer of
 * that image, and the tag stays the image's; a tag that nothing has becomes the release's.
 *
 * @throws TransportError `other-image` where the tag has another image; OciError, ReleaseError
 */
export async function pushRelease(
  registry: Registry,
  files: Files,
  folder: string,
  reference: RegistryReference,
  options: PushOptions,
): Promise<Pushed> {
  const { signal } = options;
  const release = await loadRelease(files, folder);
  const { target, subject } = await placeOf(registry, reference, release, signal);
  const packed = join(options.workFolder, `.cairn-root-${randomUUID()}.zst`);
  await files.makeDirectory(options.workFolder);
  try {
    const root = await packRoot(files, folder, release, packed, options);
    const description = await descriptionOf(files, folder);
    const uki = { digest: `sha256:${release.uki.sha256}` as Digest, size: release.uki.size };
    const sbom = { digest: `sha256:${release.sbom.sha256}` as Digest, size: release.sbom.size };
    const artifact: Artifact = {
      description: { digest: digestOf(description), size: description.length },
      root,
      uki,
      sbom,
      subject,
      annotations: {
        'org.opencontainers.image.title': release.name,
        'org.opencontainers.image.version': release.version,
        'org.cairn.root-hash': release.root.rootHash,
      },
    };
    let transferred = 0;
    const push = async (blob: BlobRef, path: string): Promise<void> => {
      await using file = await files.open(path, 'read');
      options.onProgress?.({ phase: 'push', done: transferred, total: root.size + uki.size + sbom.size });
      transferred += (await registry.pushBlob(reference, blob, file, { signal })).transferred;
    };
    await push(root, packed);
    await push(uki, join(folder, release.uki.file));
    await push(sbom, join(folder, release.sbom.file));
    await registry.pushBlob(reference, artifact.description, memorySource(description), { signal });
    const { digest } = await registry.pushManifest(target, encodeArtifact(artifact), MANIFEST_TYPE, {
      signal,
    });
    return { release, digest, subject: subject?.digest, transferred };
  } finally {
    await files.remove(packed);
  }
}

async function descriptionOf(files: Files, folder: string): Promise<Uint8Array> {
  const path = join(folder, RELEASE_FILES.description);
  return (await files.read(path, RELEASE_LIMIT)) ?? new Uint8Array();
}

/** The hash tree is left out: whoever writes the root computes it. */
async function packRoot(
  files: Files,
  folder: string,
  { root }: Release,
  packed: string,
  { level, signal, onProgress }: PushOptions,
): Promise<BlobRef> {
  await using from = await files.open(join(folder, root.file), 'read');
  await using to = await files.open(packed, 'create');
  const { sha256, size } = await writeFrames(sliceSource(from, 0, root.dataSize), to, {
    ...(level === undefined ? {} : { level }),
    signal,
    onProgress: (done, total) => onProgress?.({ phase: 'pack', done, total }),
  });
  return { digest: `sha256:${sha256}`, size };
}

/** Beside an image it has no tag of its own: the image keeps it. */
interface Place {
  readonly target: RegistryReference;
  readonly subject: Artifact['subject'];
}

async function placeOf(
  registry: Registry,
  reference: RegistryReference,
  { image }: Release,
  signal: AbortSignal | undefined,
): Promise<Place> {
  const { tag, digest, ...repository } = reference;
  const named = await manifestOf(registry, reference, signal);
  const made = isDigest(image.digest)
    ? await manifestOf(registry, { ...repository, digest: image.digest }, signal)
    : undefined;
  const subject = made && { mediaType: made.mediaType, digest: made.digest, size: made.bytes.length };
  if (named === undefined && digest === undefined) return { target: reference, subject };
  if (named !== undefined && subject !== undefined && isOrLists(named, subject.digest)) {
    return { target: repository, subject };
  }
  throw new TransportError(
    'other-image',
    `${reference.repository}${tag === undefined ? '' : `:${tag}`} is ${named?.digest ?? 'nothing'}, and the release was made of ${image.digest}`,
    { hint: 'Name a tag that nothing has, or the tag of the image that the release was made of.' },
  );
}

/** Undefined where there is none. */
async function manifestOf(
  registry: Registry,
  reference: RegistryReference,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest | undefined> {
  try {
    return await registry.manifest(reference, { signal });
  } catch (error) {
    if (error instanceof OciError && MISSING.has(error.code)) return undefined;
    throw error;
  }
}

/** Of an image for several platforms, whether one is it. */
function isOrLists({ digest, bytes, mediaType }: FetchedManifest, wanted: Digest): boolean {
  if (digest === wanted) return true;
  const manifest = parseManifest(bytes, { label: digest, mediaType });
  return manifest.kind === 'index' && manifest.manifests.some((each) => each.digest === wanted);
}
