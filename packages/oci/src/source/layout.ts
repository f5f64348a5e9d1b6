import { z } from 'zod';
import { algorithmOf, hexOf } from '../digest.ts';
import { OciError } from '../error.ts';
import { checkShape, parseJson } from '../json.ts';
import { type Descriptor, type ImageIndex, MANIFEST_LIMIT, parseManifest } from '../manifest.ts';
import { OCI_INDEX } from '../media-types.ts';
import { choosePlatform } from '../platform.ts';
import { listed, quoted } from '../quote.ts';
import { formatReference, parseReference } from '../reference.ts';
import {
  type ImageDocuments,
  type ImageSource,
  type ResolveOptions,
  readDocument,
  resolveImage,
} from './image-source.ts';
import { type LayoutFiles, readSmall } from './layout-files.ts';

/** The tag, and what containerd and Docker put beside it: the whole reference. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
export const IMAGE_NAME = 'io.containerd.image.name';

const versionSchema = z.object({ imageLayoutVersion: z.string() });
const VERSION_FILE_LIMIT = 4096;

/** The blobs of an image layout (OCI image specification, image-layout.md). */
export function layoutSource(files: LayoutFiles, label: string): ImageSource {
  async function open(descriptor: Descriptor) {
    const { digest } = descriptor;
    const blob = await files.open(`blobs/${algorithmOf(digest)}/${hexOf(digest)}`);
    if (blob !== undefined) return blob;
    throw new OciError('blob-unknown', `${label}: blob ${digest} is not there`, {
      hint: 'the copy is not complete; make it again',
    });
  }
  return { document: open, blob: open };
}

/**
 * The image in a layout that has the tag; without a tag, the only one.
 *
 * @throws OciError `invalid-layout`, `tag-unknown`, `ambiguous`, and all that resolving an image may throw
 */
export async function resolveLayout(
  files: LayoutFiles,
  tag: string | undefined,
  options: ResolveOptions,
): Promise<ImageDocuments> {
  const { name, signal } = options;
  await checkVersion(files, options);
  const bytes = await readSmall(files, 'index.json', { label: name, limit: MANIFEST_LIMIT, signal });
  if (bytes === undefined) {
    throw new OciError('invalid-layout', `${name} is not an OCI image layout: it has no index.json`);
  }
  const index = parseManifest(bytes, { label: `index.json of ${name}`, mediaType: OCI_INDEX });
  if (index.kind !== 'index') throw new OciError('invalid-layout', `index.json of ${name} is not an index`);
  const source = layoutSource(files, name);
  const chosen = choosePlatform(choose(index, tag, name), options.platform, name);
  return resolveImage(source, await readDocument(source, chosen, options), options);
}

async function checkVersion(files: LayoutFiles, { name, signal }: ResolveOptions): Promise<void> {
  const bytes = await readSmall(files, 'oci-layout', { label: name, limit: VERSION_FILE_LIMIT, signal });
  if (bytes === undefined) return;
  const label = `oci-layout of ${name}`;
  const { imageLayoutVersion } = checkShape(
    versionSchema,
    parseJson(bytes, label, VERSION_FILE_LIMIT),
    label,
  );
  if (imageLayoutVersion.startsWith('1.')) return;
  throw new OciError(
    'unsupported',
    `${name} is an image layout of version ${quoted(imageLayoutVersion)}, not 1`,
  );
}

/** The descriptors to choose from by platform: all of one image. */
function choose(index: ImageIndex, tag: string | undefined, name: string): readonly Descriptor[] {
  if (tag !== undefined) {
    const tagged = index.manifests.filter((descriptor) =>
      namesOf(descriptor).some((own) => isSameTag(own, tag)),
    );
    if (tagged.length > 0) return tagged;
    throw new OciError(
      'tag-unknown',
      `${name}: there is no image ${quoted(tag)}; ${listNames(index.manifests)}`,
    );
  }
  const names = new Set(index.manifests.map((descriptor) => namesOf(descriptor)[0]));
  const digests = new Set(index.manifests.map((descriptor) => descriptor.digest));
  if (names.size <= 1) return index.manifests;
  if (digests.size === 1) return index.manifests.slice(0, 1);
  throw new OciError('ambiguous', `${name}: there are several images; ${listNames(index.manifests)}`, {
    hint: 'add a colon and the name of one of them',
  });
}

function namesOf({ annotations }: Descriptor): string[] {
  return [annotations.get(REF_NAME), annotations.get(IMAGE_NAME)].filter((name) => name !== undefined);
}

/** Whether a tag or reference in an image store is the one asked for: `debian:13` is `docker.io/library/debian:13`. */
export function isSameTag(own: string, wanted: string): boolean {
  return own === wanted || wholeReference(own) === wholeReference(wanted);
}

function wholeReference(text: string): string {
  if (!text.includes(':') && !text.includes('/')) return `tag ${text}`;
  try {
    return formatReference(parseReference(text));
  } catch (cause) {
    if (cause instanceof OciError) return text;
    throw cause;
  }
}

function listNames(descriptors: readonly Descriptor[]): string {
  const names = new Set(
    descriptors.map((descriptor) => namesOf(descriptor)[0] ?? `${descriptor.digest} without a name`),
  );
  return `there ${names.size === 1 ? 'is' : 'are'} ${listed([...names].map(quoted))}`;
}
