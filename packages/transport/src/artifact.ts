import { type Descriptor, type Digest, isDigest } from '@cairn/oci';
import { RELEASE_LIMIT } from '@cairn/release';
import { z } from 'zod';
import { TransportError } from './error.ts';

/** What tells a release from an image (OCI image specification 1.1, "Guidelines for Artifact Usage"). */
export const ARTIFACT_TYPE = 'application/vnd.cairn.release.v1';
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
/** By media type: what each blob is. */
export const MEDIA_TYPES = {
  description: 'application/vnd.cairn.release.description.v1+json',
  root: 'application/vnd.cairn.release.root.v1.erofs+zstd',
  uki: 'application/vnd.cairn.release.uki.v1.pe',
  sbom: 'application/spdx+json',
} as const;

export interface BlobRef {
  readonly digest: Digest;
  readonly size: number;
}

/** A release in a registry. */
export interface Artifact {
  /** `release.json`, as it is. */
  readonly description: BlobRef;
  /** The root without its hash tree, in frames: see `writeFrames`. */
  readonly root: BlobRef;
  readonly uki: BlobRef;
  readonly sbom: BlobRef;
  /** The image's manifest that it was made of; undefined where that is in no registry. */
  readonly subject?: Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | undefined;
  /** `org.opencontainers.image.version` and others, for people. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A registry may keep larger ones; nothing that is a release has them. */
const UKI_LIMIT = 1 << 30;
const SBOM_LIMIT = 1 << 28;
const ROOT_LIMIT = 2 ** 40;

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().refine((text): text is Digest => isDigest(text), 'is not a digest'),
  size: z.int().nonnegative(),
});

const schema = z.object({
  schemaVersion: z.literal(2),
  artifactType: z.string().optional(),
  config: descriptor,
  layers: z.array(descriptor).max(64),
  subject: descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** The artifact's manifest: the same artifact gives the same bytes. */
export function encodeArtifact({ description, root, uki, sbom, subject, annotations }: Artifact): Uint8Array {
  const blob = (kind: keyof typeof MEDIA_TYPES, { digest, size }: BlobRef) => ({
    mediaType: MEDIA_TYPES[kind],
    digest,
    size,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: ARTIFACT_TYPE,
    config: blob('description', description),
    layers: [blob('root', root), blob('uki', uki), blob('sbom', sbom)],
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    annotations,
  };
  return new TextEncoder().encode(JSON.stringify(manifest));
}

/**
 * @param what for messages: its reference
 * @throws TransportError `not-a-release`, `bad-artifact`
 */
export function parseArtifact(bytes: Uint8Array, what: string): Artifact {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TransportError('bad-artifact', `the manifest of ${what} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  const isOurs = parsed.success && parsed.data.artifactType === ARTIFACT_TYPE;
  if (!isOurs) {
    throw new TransportError('not-a-release', `${what} is no release`, {
      hint: 'Push one: `cairn release push`. An image is rendered by `cairn build` or `cairn upgrade`.',
    });
  }
  const { config, layers, subject, annotations = {} } = parsed.data;
  if (config.mediaType !== MEDIA_TYPES.description) {
    throw new TransportError('bad-artifact', `${what} has no description of a release`);
  }
  const find = (kind: keyof typeof MEDIA_TYPES, limit: number): BlobRef => {
    const [found, another] = layers.filter(({ mediaType }) => mediaType === MEDIA_TYPES[kind]);
    if (found !== undefined && another === undefined)
      return limited({ digest: found.digest, size: found.size }, kind, limit);
    throw new TransportError(
      'bad-artifact',
      `${what} has ${found === undefined ? 'no' : 'more than one'} ${kind}`,
    );
  };
  const limited = (blob: BlobRef, kind: string, limit: number): BlobRef => {
    if (blob.size <= limit) return blob;
    throw new TransportError(
      'bad-artifact',
      `the ${kind} of ${what} has ${blob.size} bytes, more than ${limit}`,
    );
  };
  return {
    description: limited({ digest: config.digest, size: config.size }, 'description', RELEASE_LIMIT),
    root: find('root', ROOT_LIMIT),
    uki: find('uki', UKI_LIMIT),
    sbom: find('sbom', SBOM_LIMIT),
    subject,
    annotations,
  };
}
