import { join } from 'node:path';
import { chunksOf, copy } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import {
  type BlobStore,
  type Descriptor,
  type Digest,
  type OpenBytes,
  parseManifest,
  type Registry,
  type RegistryReference,
  runsOn,
  type TargetPlatform,
} from '@cairn/oci';
import { parseRelease, RELEASE_FILES, RELEASE_LIMIT, type Release, rootVerity } from '@cairn/release';
import { ARTIFACT_TYPE, type Artifact, type BlobRef, parseArtifact } from './artifact.ts';
import { TransportError } from './error.ts';
import { unpackFrames } from './frames.ts';
import type { TransportProgress } from './push.ts';

export interface FindOptions {
  readonly platform: TargetPlatform;
  readonly signal?: AbortSignal | undefined;
}

/** A release that was found in a registry; nothing but its manifest was fetched. */
export interface FoundRelease {
  readonly reference: RegistryReference;
  readonly digest: Digest;
  readonly artifact: Artifact;
}

/**
 * Finds the release that a reference names: itself, or the one that lies beside the image which it names.
 *
 * @returns undefined where the reference names an image, and no release lies beside it
 * @throws TransportError `bad-artifact`; `not-a-release` where there are several; OciError
 */
export async function findRelease(
  registry: Registry,
  reference: RegistryReference,
  { platform, signal }: FindOptions,
): Promise<FoundRelease | undefined> {
  const there = await registry.manifest(reference, { signal });
  const { digest, bytes, mediaType } = there;
  const { tag: _tag, digest: _digest, ...repository } = reference;
  if (isArtifact(bytes)) {
    return {
      reference: { ...repository, digest },
      digest,
      artifact: parseArtifact(bytes, nameOf(reference)),
    };
  }
  const manifest = parseManifest(bytes, { label: nameOf(reference), mediaType });
  const image = manifest.kind === 'index' ? chosen(manifest.manifests, platform) : digest;
  if (image === undefined) return undefined;
  const [found, another] = await registry.referrers(repository, image, {
    artifactType: ARTIFACT_TYPE,
    signal,
  });
  if (found === undefined) return undefined;
  if (another !== undefined) {
    throw new TransportError('not-a-release', `several releases lie beside ${nameOf(reference)}`, {
      hint: `Name one: ${reference.registry}/${reference.repository}@${found.digest}, or …@${another.digest}.`,
    });
  }
  const own = { ...repository, digest: found.digest };
  const { bytes: described } = await registry.manifest(own, { signal });
  const artifact = parseArtifact(described, nameOf(own));
  if (artifact.subject?.digest === image) return { reference: own, digest: found.digest, artifact };
  throw new TransportError(
    'bad-artifact',
    `the registry names ${found.digest} as a release of ${image}, and it is not`,
  );
}

function isArtifact(bytes: Uint8Array): boolean {
  try {
    return (
      (JSON.parse(new TextDecoder().decode(bytes)) as { artifactType?: unknown } | null)?.artifactType ===
      ARTIFACT_TYPE
    );
  } catch {
    return false;
  }
}

function chosen(manifests: readonly Descriptor[], wanted: TargetPlatform): Digest | undefined {
  return manifests.find(({ platform }) => platform !== undefined && runsOn(platform, wanted))?.digest;
}

function nameOf({ registry, repository, tag, digest }: RegistryReference): string {
  return `${registry}/${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
}

export interface PullReleaseOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransportProgress) => void) | undefined;
}

export interface PulledRelease {
  readonly release: Release;
  /** Bytes that went over the network. */
  readonly transferred: number;
}

/**
 * Brings a release into a folder, as `cairn build` would have made it: the root is unpacked, its hash tree computed, and both held
 * against the root hash. What was fetched before is in the store and is not fetched again, also of a blob that was cut.
 *
 * @param out must not be there; it appears whole or not at all
 * @throws TransportError `output-exists`, `bad-artifact`, `not-verified`; OciError
 */
export async function pullRelease(
  registry: Registry,
  store: BlobStore,
  files: Files,
  { reference, artifact }: FoundRelease,
  out: string,
  { signal, onProgress }: PullReleaseOptions = {},
): Promise<PulledRelease> {
  if ((await files.lstat(out)) !== undefined) {
    throw new TransportError('output-exists', `${out} is there already`, {
      hint: 'Name another folder, or remove it.',
    });
  }
  const { description, root, uki, sbom } = artifact;
  const blobs = [description, root, uki, sbom];
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  const received = new Map<Digest, number>();
  const { transferred } = await registry.pullBlobs(reference, blobs, store, {
    signal,
    onProgress: ({ blob, received: bytes }) => {
      received.set(blob.digest, bytes);
      const done = [...received.values()].reduce((sum, each) => sum + each, 0);
      onProgress?.({ phase: 'pull', done, total });
    },
  });
  const release = await readDescription(store, description);
  checkDescription(release, artifact);
  const fresh = `${out}.new`;
  await files.remove(fresh);
  await files.makeDirectory(fresh);
  try {
    await writeRootFile(files, store, release, root, join(fresh, release.root.file), { signal, onProgress });
    await copyBlob(files, store, uki, join(fresh, release.uki.file), signal);
    await copyBlob(files, store, sbom, join(fresh, release.sbom.file), signal);
    await copyBlob(files, store, description, join(fresh, RELEASE_FILES.description), signal);
    await files.sync(fresh);
    await files.rename(fresh, out);
  } catch (error) {
    await files.remove(fresh);
    throw error;
  }
  return { release, transferred };
}

async function openBlob(store: BlobStore, { digest }: BlobRef): Promise<OpenBytes> {
  const blob = await store.open(digest);
  if (blob !== undefined) return blob;
  throw new TransportError('bad-artifact', `the blob ${digest} is gone from the cache again`);
}

async function readDescription(store: BlobStore, blob: BlobRef): Promise<Release> {
  await using file = await openBlob(store, blob);
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(file)) chunks.push(chunk.slice());
  const bytes = Buffer.concat(chunks);
  if (bytes.length > RELEASE_LIMIT)
    throw new TransportError('bad-artifact', 'the release’s description is too large');
  return parseRelease(bytes);
}

/** The description says of each file what it has to be: the artifact must say the same. */
function checkDescription({ uki, sbom, root }: Release, artifact: Artifact): void {
  const wrong = (what: string) =>
    new TransportError(
      'bad-artifact',
      `the release’s description is of another ${what} than the artifact has`,
    );
  if (artifact.uki.digest !== `sha256:${uki.sha256}` || artifact.uki.size !== uki.size) throw wrong('UKI');
  if (artifact.sbom.digest !== `sha256:${sbom.sha256}` || artifact.sbom.size !== sbom.size)
    throw wrong('SBOM');
  if (root.hashOffset !== root.dataSize) throw wrong('root');
}

async function writeRootFile(
  files: Files,
  store: BlobStore,
  { root }: Release,
  blob: BlobRef,
  path: string,
  { signal, onProgress }: PullReleaseOptions,
): Promise<void> {
  await using packed = await openBlob(store, blob);
  await using file = await files.open(path, 'create');
  const verity = rootVerity(file, root.dataSize, root.uuid);
  await unpackFrames(packed, verity, root.dataSize, {
    signal,
    onProgress: (done, total) => onProgress?.({ phase: 'unpack', done, total }),
  });
  const { rootHash, totalSize } = await verity.finish();
  await file.sync();
  if (rootHash === root.rootHash && totalSize === root.size) return;
  throw new TransportError(
    'not-verified',
    `the root that came has the root hash ${rootHash}, the release ${root.rootHash}`,
    {
      hint: 'Whoever has pushed it has pushed another root: nothing of it was kept.',
    },
  );
}

async function copyBlob(
  files: Files,
  store: BlobStore,
  blob: BlobRef,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using from = await openBlob(store, blob);
  await using to = await files.open(path, 'create');
  await copy(from, to, signal);
  await to.sync();
}
