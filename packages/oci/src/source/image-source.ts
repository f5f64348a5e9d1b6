import { readExactly } from '@cairn/bytes';
import { CONFIG_LIMIT, configPlatform, type ImageConfig, parseConfig } from '../config.ts';
import { algorithmOf, type BlobIdentity, type Digest, digestOf, hexOf } from '../digest.ts';
import { OciError } from '../error.ts';
import { openTar } from '../layer/unpack.ts';
import { type Descriptor, type ImageManifest, MANIFEST_LIMIT, parseManifest } from '../manifest.ts';
import { choosePlatform, formatPlatform, runsOn, type TargetPlatform } from '../platform.ts';
import type { Image, ImageDoors, Layer, OpenBytes, StepOptions } from '../types.ts';

/** Where an image's documents and blobs lie. Nobody has checked them yet. */
export interface ImageSource {
  /** A manifest or index. */
  document(descriptor: Descriptor, options: StepOptions): Promise<OpenBytes>;
  /** A configuration or layer. */
  blob(descriptor: Descriptor, options: StepOptions): Promise<OpenBytes>;
}

/** What a reference names: a manifest, or an index to choose from. */
export interface Document {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly mediaType?: string;
}

/** An image's documents, read and checked. */
export interface ImageDocuments {
  readonly manifest: ImageManifest;
  readonly manifestBytes: Uint8Array;
  readonly digest: Digest;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
}

export interface ResolveOptions extends StepOptions {
  /** The image as the user wrote it. */
  readonly name: string;
  readonly platform: TargetPlatform;
}

const NESTED_INDEXES = 3;

/**
 * Follows a document down to the image for the platform, through indexes if need be.
 *
 * @throws OciError
 */
export async function resolveImage(
  source: ImageSource,
  start: Document,
  options: ResolveOptions,
): Promise<ImageDocuments> {
  let document = start;
  for (let depth = 0; depth <= NESTED_INDEXES; depth++) {
    const { bytes, digest, mediaType } = document;
    const label = `manifest ${shortDigest(digest)} of ${options.name}`;
    const parsed = parseManifest(bytes, mediaType === undefined ? { label } : { label, mediaType });
    if (parsed.kind === 'manifest') {
      const configBytes = await readConfig(source, parsed, options);
      const config = checkedConfig(configBytes, parsed, options);
      return { manifest: parsed, manifestBytes: bytes, digest, config, configBytes };
    }
    const chosen = choosePlatform(parsed.manifests, options.platform, options.name);
    document = await readDocument(source, chosen, options);
  }
  throw new OciError(
    'invalid-manifest',
    `${options.name}: more than ${NESTED_INDEXES} indexes lead from one to the other`,
  );
}

export async function readDocument(
  source: ImageSource,
  descriptor: Descriptor,
  options: ResolveOptions,
): Promise<Document> {
  const { digest, mediaType } = descriptor;
  const label = `manifest ${shortDigest(digest)} of ${options.name}`;
  const bytes = await readVerified(() => source.document(descriptor, options), descriptor, {
    label,
    limit: MANIFEST_LIMIT,
    signal: options.signal,
  });
  return { bytes, digest, mediaType };
}

async function readConfig(
  source: ImageSource,
  { config }: ImageManifest,
  options: ResolveOptions,
): Promise<Uint8Array> {
  return readVerified(() => source.blob(config, { signal: options.signal }), config, {
    label: `the configuration of ${options.name}`,
    limit: CONFIG_LIMIT,
    signal: options.signal,
  });
}

function checkedConfig(bytes: Uint8Array, manifest: ImageManifest, options: ResolveOptions): ImageConfig {
  const label = `the configuration of ${options.name}`;
  const config = parseConfig(bytes, { label, layers: manifest.layers.length });
  checkPlatform(config, options);
  return config;
}

/** An image that does not say what it is for is taken at its user's word. */
export function checkPlatform(config: ImageConfig, { name, platform }: ResolveOptions): void {
  const found = configPlatform(config);
  if (found === undefined || runsOn(found, platform)) return;
  throw new OciError(
    'platform-unknown',
    `${name} is for ${formatPlatform(found)}, wanted is ${formatPlatform(platform)}`,
    { hint: 'choose an image that is built for this platform' },
  );
}

/** All of a small blob, checked against its descriptor before anyone looks at it. */
async function readVerified(
  open: () => Promise<OpenBytes>,
  expected: BlobIdentity,
  options: { readonly label: string; readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  const { label, limit, signal } = options;
  if (expected.size > limit) {
    throw new OciError('too-large', `${label} has ${expected.size} bytes, more than the ${limit} allowed`);
  }
  await using blob = await open();
  if (blob.size !== expected.size) {
    throw new OciError(
      'size-mismatch',
      `${label}: there are ${blob.size} bytes, it must have ${expected.size}`,
    );
  }
  const bytes = await readExactly(blob, 0, blob.size, signal);
  checkDigest(bytes, expected.digest, label);
  return bytes;
}

export function checkDigest(bytes: Uint8Array, expected: Digest, label: string): void {
  const found = digestOf(bytes, algorithmOf(expected));
  if (found === expected) return;
  throw new OciError('digest-mismatch', `${label}: its digest is ${found}, it must be ${expected}`, {
    hint: 'it was changed on the way or where it is kept',
  });
}

/** An image of documents that were read, with its layers still where they lie. `owned` is given back with it. */
export function assembleImage(
  source: ImageSource,
  documents: ImageDocuments,
  options: { readonly name: string; readonly doors: ImageDoors; readonly owned: AsyncDisposable },
): Image {
  const { manifest, config } = documents;
  const layers = manifest.layers.map((descriptor, index) =>
    layerOf(source, descriptor, config.diffIds[index] ?? descriptor.digest, options.doors),
  );
  return {
    name: options.name,
    digest: documents.digest,
    config,
    configBytes: documents.configBytes,
    annotations: manifest.annotations,
    layers,
    manifest: documents.manifestBytes,
    [Symbol.asyncDispose]: () => options.owned[Symbol.asyncDispose](),
  };
}

function layerOf(source: ImageSource, descriptor: Descriptor, diffId: Digest, doors: ImageDoors): Layer {
  const { digest, mediaType, size, annotations } = descriptor;
  const name = shortDigest(digest);
  return {
    name,
    digest,
    diffId,
    mediaType,
    size,
    annotations,
    openBlob: (options = {}) => source.blob(descriptor, options),
    async open(options = {}) {
      const blob = await source.blob(descriptor, options);
      const packed = { blob, label: `layer ${name}`, stored: descriptor, diffId };
      const { tar } = await openTar(packed, {
        files: doors.files,
        workFolder: doors.workFolder,
        limits: doors.limits,
        signal: options.signal,
        onProgress: (done) => options.onProgress?.({ step: 'unpack', name, done, total: size }),
      });
      return tar;
    },
  };
}

const SHORT = 12;

/** Enough of a digest for a person to tell it from others. */
export function shortDigest(digest: Digest): string {
  return hexOf(digest).slice(0, SHORT);
}
