import { chunksOf, sha256OfStream } from '@cairn/bytes';
import { z } from 'zod';
import { CONFIG_LIMIT, parseConfig } from '../config.ts';
import { type Digest, digestOf } from '../digest.ts';
import { OciError } from '../error.ts';
import { checkShape, parseJson } from '../json.ts';
import { detectPacking } from '../layer/compression.ts';
import { type Descriptor, MANIFEST_LIMIT } from '../manifest.ts';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../media-types.ts';
import { listed, quoted } from '../quote.ts';
import type { OpenBytes, StepOptions } from '../types.ts';
import {
  checkDigest,
  checkPlatform,
  type ImageDocuments,
  type ImageSource,
  type ResolveOptions,
} from './image-source.ts';
import { isSameTag } from './layout.ts';
import { type LayoutFiles, readSmall } from './layout-files.ts';

const LIST_LIMIT = 10_000;

/** `manifest.json` of what `docker save` writes (Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format"). */
const manifestSchema = z
  .array(
    z.object({
      Config: z.string(),
      RepoTags: z.array(z.string()).max(LIST_LIMIT).nullish(),
      Layers: z.array(z.string()).max(LIST_LIMIT).nullish(),
    }),
  )
  .max(LIST_LIMIT);

type SavedImage = z.output<typeof manifestSchema>[number];

/** An image of an archive that has no manifest of OCI's: one is made, always the same for the same image. */
export interface SavedDocuments {
  readonly source: ImageSource;
  readonly documents: ImageDocuments;
}

/** @throws OciError `invalid-layout`, `tag-unknown`, `ambiguous`, `digest-mismatch`, `invalid-manifest` */
export async function resolveSaved(
  files: LayoutFiles,
  tag: string | undefined,
  options: ResolveOptions,
): Promise<SavedDocuments> {
  const { name, signal } = options;
  const saved = await chooseSaved(files, tag, options);
  const label = `the configuration of ${name}`;
  const configBytes = await readSmall(files, saved.Config, { label: name, limit: CONFIG_LIMIT, signal });
  if (configBytes === undefined) throw missing(saved.Config, options);
  const named = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(saved.Config)?.[1];
  if (named !== undefined) checkDigest(configBytes, `sha256:${named}`, label);
  const paths = saved.Layers ?? [];
  const config = parseConfig(configBytes, { label, layers: paths.length });
  checkPlatform(config, options);

  const layers: Descriptor[] = [];
  const pathsByDigest = new Map<Digest, string>();
  for (const [index, path] of paths.entries()) {
    const diffId = config.diffIds[index];
    await using file = await openSaved(files, path, options);
    const layer = await describeLayer(file, diffId, options);
    layers.push(layer);
    pathsByDigest.set(layer.digest, path);
  }
  const configDescriptor = descriptor(OCI_CONFIG, digestOf(configBytes), configBytes.length);
  const manifestBytes = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: plain(configDescriptor),
      layers: layers.map(plain),
    }),
  );
  const manifest = {
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    config: configDescriptor,
    layers,
    annotations: new Map<string, string>(),
  } as const;
  const blob = async ({ digest }: Descriptor): Promise<OpenBytes> =>
    openSaved(files, pathsByDigest.get(digest) ?? saved.Config, options);
  return {
    source: { document: blob, blob },
    documents: { manifest, manifestBytes, digest: digestOf(manifestBytes), config, configBytes },
  };
}

async function chooseSaved(
  files: LayoutFiles,
  tag: string | undefined,
  { name, signal }: ResolveOptions,
): Promise<SavedImage> {
  const bytes = await readSmall(files, 'manifest.json', { label: name, limit: MANIFEST_LIMIT, signal });
  if (bytes === undefined) {
    throw new OciError('invalid-layout', `${name} is not a Docker archive: it has no manifest.json`);
  }
  const label = `manifest.json of ${name}`;
  const images = checkShape(manifestSchema, parseJson(bytes, label, MANIFEST_LIMIT), label);
  const names = images.flatMap((image) => image.RepoTags ?? []);
  if (tag !== undefined) {
    const found = images.find((image) => image.RepoTags?.some((own) => isSameTag(own, tag)));
    if (found !== undefined) return found;
    throw new OciError(
      'tag-unknown',
      `${name}: there is no image ${quoted(tag)}; there are ${listed(names.map(quoted))}`,
    );
  }
  const [only, ...others] = images;
  if (only === undefined) throw new OciError('invalid-layout', `${name}: there is no image in it`);
  if (others.length === 0) return only;
  throw new OciError('ambiguous', `${name}: there are several images: ${listed(names.map(quoted))}`, {
    hint: 'add a colon and the name of one of them',
  });
}

/** A layer that is not compressed, as in all that Docker writes, is known by its diffID; another must be read. */
async function describeLayer(
  file: OpenBytes,
  diffId: Digest | undefined,
  { signal }: StepOptions,
): Promise<Descriptor> {
  const packing = await detectPacking(file, signal);
  if (packing === 'none' && diffId !== undefined) return descriptor(OCI_LAYER, diffId, file.size);
  const suffix = packing === 'none' ? '' : `+${packing}`;
  return descriptor(
    `${OCI_LAYER}${suffix}`,
    `sha256:${await sha256OfStream(chunksOf(file, signal))}`,
    file.size,
  );
}

function descriptor(mediaType: string, digest: Digest, size: number): Descriptor {
  return { mediaType, digest, size, annotations: new Map() };
}

function plain({ mediaType, digest, size }: Descriptor): object {
  return { mediaType, digest, size };
}

async function openSaved(files: LayoutFiles, path: string, options: ResolveOptions): Promise<OpenBytes> {
  const file = await files.open(path);
  if (file === undefined) throw missing(path, options);
  return file;
}

function missing(path: string, { name }: ResolveOptions): OciError {
  return new OciError('invalid-layout', `${name}: ${quoted(path)} is not in it`);
}
