import type { TargetPlatform } from './platform.ts';
import type { LocalReference, Reference, RegistryReference } from './reference.ts';
import { formatReference } from './reference.ts';
import { openArchive } from './source/archive.ts';
import { resolveSaved } from './source/docker-archive.ts';
import { assembleImage, checkDigest, type ResolveOptions, resolveImage } from './source/image-source.ts';
import { layoutSource, resolveLayout } from './source/layout.ts';
import { folderFiles, type LayoutFiles } from './source/layout-files.ts';
import { registryOf, registrySource } from './source/registry.ts';
import { openDirectory, openTarFile } from './source/rootfs.ts';
import type { Image, ImageDoors, StepOptions } from './types.ts';

export interface OpenImageOptions extends StepOptions {
  readonly platform: TargetPlatform;
  /** What to call the image in messages: the reference as the user wrote it. */
  readonly name?: string;
}

/** Where nothing has to be given back. */
const NOTHING: AsyncDisposable = { async [Symbol.asyncDispose]() {} };

/**
 * Finds the image that a reference names, for one platform, and reads its manifest and configuration. Layers are
 * read when they are opened, except where the image is a folder or a compressed tar.
 *
 * @throws OciError; HostError where a file cannot be read
 */
export async function openImage(
  reference: Reference,
  doors: ImageDoors,
  options: OpenImageOptions,
): Promise<Image> {
  const resolve = { ...options, name: options.name ?? formatReference(reference) };
  switch (reference.kind) {
    case 'directory':
      return openDirectory(reference.path, doors, resolve);
    case 'tar':
      return openTarFile(reference.path, doors, resolve);
    case 'registry':
      return openFromRegistry(reference, doors, resolve);
    case 'oci-layout':
      return openLayout(folderFiles(doors.files, reference.path), reference, NOTHING, doors, resolve);
    case 'oci-archive':
    case 'docker-archive':
      break;
  }
  return openFromArchive(reference, doors, resolve);
}

async function openFromRegistry(
  reference: RegistryReference,
  doors: ImageDoors,
  options: ResolveOptions,
): Promise<Image> {
  const registry = registryOf(doors, options.name);
  const source = registrySource(registry, reference);
  const start = await registry.manifest(reference, { signal: options.signal });
  checkDigest(start.bytes, reference.digest ?? start.digest, `the manifest of ${options.name}`);
  const documents = await resolveImage(source, start, options);
  return assembleImage(source, documents, { name: options.name, doors, owned: NOTHING });
}

async function openLayout(
  files: LayoutFiles,
  reference: LocalReference,
  owned: AsyncDisposable,
  doors: ImageDoors,
  options: ResolveOptions,
): Promise<Image> {
  const documents = await resolveLayout(files, reference.tag, options);
  return assembleImage(layoutSource(files, options.name), documents, { name: options.name, doors, owned });
}

async function openFromArchive(
  reference: LocalReference,
  doors: ImageDoors,
  options: ResolveOptions,
): Promise<Image> {
  const archive = await openArchive(reference.path, doors, options);
  try {
    if (reference.kind === 'oci-archive' || (await isLayout(archive.files))) {
      return await openLayout(archive.files, reference, archive, doors, options);
    }
    const { source, documents } = await resolveSaved(archive.files, reference.tag, options);
    return assembleImage(source, documents, { name: options.name, doors, owned: archive });
  } catch (cause) {
    await archive[Symbol.asyncDispose]();
    throw cause;
  }
}

/** Docker saves images as a layout too since version 25; that has the manifest, and so the digest that others know. */
async function isLayout(files: LayoutFiles): Promise<boolean> {
  await using index = await files.open('index.json');
  return index !== undefined;
}
