import { randomUUID } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { type ByteSource, type ByteTarget, copy } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { algorithmOf, type BlobIdentity, createVerifier, type Digest, digestOf, hexOf } from '../digest.ts';
import { OciError } from '../error.ts';
import { borrowed } from '../layer/spool.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, ociLayerType } from '../media-types.ts';
import { REF_NAME } from '../source/layout.ts';
import type { Image, Layer, OpenBytes, StepOptions } from '../types.ts';
import { extendConfig } from './config.ts';

/** A layer to put on top of an image. */
export interface ExtraLayer extends BlobIdentity {
  /** The blob; it stays the caller's. */
  readonly blob: ByteSource;
  readonly mediaType: string;
  readonly diffId: Digest;
  /** What the image's history says of it. */
  readonly createdBy: string;
}

export interface LayoutChanges {
  readonly extraLayers?: readonly ExtraLayer[];
  readonly labels?: ReadonlyMap<string, string>;
  /** What the image is called in the layout. */
  readonly tag?: string;
}

/** What was written, as an index points to it. */
export interface WrittenImage extends BlobIdentity {
  readonly mediaType: string;
}

interface Blob extends BlobIdentity {
  readonly name: string;
  open(options: StepOptions): Promise<OpenBytes>;
}

interface DescriptorJson {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Writes an image as an OCI image layout (image-layout.md): its own layers as they are, the extra ones on top, and
 * a configuration and manifest for them. The same image and changes give the same bytes. Every blob is checked
 * while it is copied. The folder is written beside and renamed, so it is there whole or not at all.
 *
 * @param folder must not be there, or be empty
 * @throws OciError `exists`, `digest-mismatch`, `size-mismatch`; HostError
 */
export async function writeLayout(
  folder: string,
  image: Image,
  changes: LayoutChanges,
  doors: { readonly files: Files },
  options: StepOptions = {},
): Promise<WrittenImage> {
  const { files } = doors;
  const target = resolve(folder);
  const there = await files.lstat(target);
  if (there !== undefined && (there.kind !== 'directory' || (await files.list(target)).length > 0)) {
    throw new OciError('exists', `${folder} is there already`, {
      hint: 'remove it, or choose another folder',
    });
  }
  const beside = `${dirname(target)}/.${basename(target)}.${randomUUID()}`;
  try {
    const written = await writeInto(beside, image, changes, files, options);
    await files.rename(beside, target);
    return written;
  } catch (cause) {
    await files.remove(beside);
    throw cause;
  }
}

async function writeInto(
  folder: string,
  image: Image,
  changes: LayoutChanges,
  files: Files,
  options: StepOptions,
): Promise<WrittenImage> {
  const { labels = new Map<string, string>(), extraLayers = [], tag } = changes;
  const label = `the configuration of ${image.name}`;
  const configBytes = extendConfig(image.configBytes, { labels, layers: extraLayers }, label);
  const config = describe(OCI_CONFIG, configBytes);
  const manifestBytes = encode({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: [...image.layers.map(baseDescriptor), ...extraLayers.map(extraDescriptor)],
    ...annotationsOf(image.annotations),
  });
  const manifest = describe(OCI_MANIFEST, manifestBytes);
  const { os, architecture, variant } = image.config;
  const platform = os === '' && architecture === '' ? {} : { platform: { architecture, os, variant } };
  const index = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [
      { ...manifest, ...platform, ...(tag === undefined ? {} : { annotations: { [REF_NAME]: tag } }) },
    ],
  };

  const blobs = new Map<Digest, Blob>();
  for (const layer of image.layers) {
    blobs.set(layer.digest, { ...identityOf(layer), name: layer.name, open: (step) => layer.openBlob(step) });
  }
  for (const layer of extraLayers) {
    const open = async () => borrowed(layer.blob);
    blobs.set(layer.digest, { ...identityOf(layer), name: layer.createdBy, open });
  }
  for (const blob of blobs.values()) await copyBlob(blob, folder, files, options);
  await writeBlob(folder, config.digest, configBytes, files);
  await writeBlob(folder, manifest.digest, manifestBytes, files);
  await files.replace(`${folder}/oci-layout`, encode({ imageLayoutVersion: '1.0.0' }));
  await files.replace(`${folder}/index.json`, encode(index));
  return manifest;
}

function identityOf({ digest, size }: BlobIdentity): BlobIdentity {
  return { digest, size };
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function describe(mediaType: string, bytes: Uint8Array): DescriptorJson {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function annotationsOf(annotations: ReadonlyMap<string, string>): {
  readonly annotations?: Readonly<Record<string, string>>;
} {
  return annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) };
}

/** Docker's media types become OCI's: a manifest has those of one kind. */
function baseDescriptor({ mediaType, digest, size, annotations }: Layer): DescriptorJson {
  return { mediaType: ociLayerType(mediaType) ?? mediaType, digest, size, ...annotationsOf(annotations) };
}

function extraDescriptor({ mediaType, digest, size }: ExtraLayer): DescriptorJson {
  return { mediaType, digest, size };
}

function blobPath(folder: string, digest: Digest): string {
  return `${folder}/blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

async function copyBlob(blob: Blob, folder: string, files: Files, options: StepOptions): Promise<void> {
  const { signal, onProgress } = options;
  const verifier = createVerifier(blob, `layer ${blob.name}`);
  const path = blobPath(folder, blob.digest);
  await files.makeDirectory(dirname(path));
  await using source = await blob.open(options);
  await using target = await files.open(path, 'create');
  const checked: ByteTarget = {
    write(position, chunk) {
      verifier.update(chunk);
      onProgress?.({ step: 'write', name: blob.name, done: verifier.size, total: blob.size });
      return target.write(position, chunk);
    },
  };
  await copy(source, checked, signal);
  verifier.finish();
}

async function writeBlob(folder: string, digest: Digest, bytes: Uint8Array, files: Files): Promise<void> {
  const path = blobPath(folder, digest);
  await files.makeDirectory(dirname(path));
  await files.replace(path, bytes);
}
