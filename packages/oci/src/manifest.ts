import { z } from 'zod';
import { type BlobIdentity, type Digest, digestFault } from './digest.ts';
import { OciError } from './error.ts';
import { checkShape, parseJson, textMap } from './json.ts';
import {
  type DocumentKind,
  documentKind,
  isConfigType,
  isSchema1,
  layerFault,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts';
import type { Platform } from './platform.ts';
import { quoted } from './quote.ts';

/** The registry specification asks for at least 4 MiB; nothing that is an image comes near. */
export const MANIFEST_LIMIT = 4 << 20;

/** Points to a blob (OCI image specification, descriptor.md). */
export interface Descriptor extends BlobIdentity {
  readonly mediaType: string;
  readonly annotations: ReadonlyMap<string, string>;
  readonly platform?: Platform;
}

/** A list of manifests, one for each platform (image-index.md). */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: ReadonlyMap<string, string>;
}

/** One image: its configuration, and its layers from the lowest to the highest (manifest.md). */
export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: ReadonlyMap<string, string>;
}

const DESCRIPTOR_LIMIT = 10_000;
const LAYER_LIMIT = 1000;

const texts = z.record(z.string(), z.string()).nullish();

export const digestSchema = z.custom<Digest>(
  (value) => typeof value === 'string' && digestFault(value) === undefined,
  {
    error: ({ input }) =>
      typeof input === 'string' ? `it is not a digest: ${digestFault(input)}` : 'it is not a digest',
  },
);

const platformSchema = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().nullish(),
});

const descriptorSchema = z.object({
  mediaType: z.string().min(1).max(255),
  digest: digestSchema,
  size: z.int().nonnegative(),
  annotations: texts,
  platform: platformSchema.nullish(),
});

const headSchema = z.object({
  schemaVersion: z.literal([1, 2]),
  mediaType: z.string().max(255).nullish(),
  manifests: z.unknown().optional(),
  layers: z.unknown().optional(),
  config: z.unknown().optional(),
});

const indexSchema = z.object({
  manifests: z.array(descriptorSchema).max(DESCRIPTOR_LIMIT).nullable(),
  annotations: texts,
});

const manifestSchema = z.object({
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(LAYER_LIMIT).nullable(),
  annotations: texts,
});

/**
 * Reads a manifest or an index, of OCI or of Docker (schema 2). What is not known is passed over, as the
 * specification asks; what is used is checked.
 *
 * @param options.label names the document in errors
 * @param options.mediaType what the descriptor or the registry calls it; the document must not say otherwise, so that
 *   nobody can read it as something else (OCI image specification, GHSA-77vh-xpmg-72qh)
 * @throws OciError `too-large`, `invalid-manifest`, or `unsupported` for schema 1 and for what is not an image
 */
export function parseManifest(
  bytes: Uint8Array,
  options: { readonly label: string; readonly mediaType?: string },
): ImageIndex | ImageManifest {
  const { label } = options;
  const value = parseJson(bytes, label, MANIFEST_LIMIT);
  const head = checkShape(headSchema, value, label);
  const declared = specificType(options.mediaType);
  const own = head.mediaType ?? undefined;
  if (head.schemaVersion === 1 || isSchema1(own ?? declared ?? '')) {
    throw new OciError('unsupported', `${label} is in Docker's old format, schema 1`, {
      hint: 'push the image again with a tool of today, which writes schema 2 or OCI',
    });
  }
  if (own !== undefined && declared !== undefined && own !== declared) {
    throw new OciError(
      'invalid-manifest',
      `${label} calls itself ${quoted(own)}, and is pointed to as ${quoted(declared)}`,
    );
  }
  const mediaType = own ?? declared ?? (head.manifests === undefined ? OCI_MANIFEST : OCI_INDEX);
  const kind = documentKind(mediaType);
  if (kind === undefined) {
    throw new OciError('unsupported', `${label} is not an image: its media type is ${quoted(mediaType)}`);
  }
  const foreign = kind === 'index' ? (head.layers ?? head.config) : head.manifests;
  if (foreign !== undefined && foreign !== null) {
    throw new OciError('invalid-manifest', `${label} is both a manifest and an index`);
  }
  return kind === 'index' ? indexOf(value, mediaType, label) : manifestOf(value, mediaType, label);
}

/** The media type without parameters; undefined where it only says that there is JSON, or something. */
function specificType(mediaType: string | undefined): string | undefined {
  const name = mediaType?.split(';', 1)[0]?.trim();
  const generic = ['', 'application/json', 'application/octet-stream', 'text/plain'];
  return name === undefined || generic.includes(name) ? undefined : name;
}

function indexOf(value: unknown, mediaType: string, label: string): ImageIndex {
  const { manifests, annotations } = checkShape(indexSchema, value, label);
  return {
    kind: 'index',
    mediaType,
    manifests: (manifests ?? []).map(descriptorOf),
    annotations: textMap(annotations),
  };
}

function manifestOf(value: unknown, mediaType: string, label: string): ImageManifest {
  const checked = checkShape(manifestSchema, value, label);
  const config = descriptorOf(checked.config);
  if (!isConfigType(config.mediaType)) {
    throw new OciError(
      'unsupported',
      `${label} is not an image but another artifact: its configuration is ${quoted(config.mediaType)}`,
    );
  }
  const layers = (checked.layers ?? []).map(descriptorOf);
  for (const { mediaType, digest } of layers) {
    const fault = layerFault(mediaType);
    if (fault !== undefined) throw new OciError('unsupported', `${label}: layer ${digest} ${fault}`);
  }
  return { kind: 'manifest', mediaType, config, layers, annotations: textMap(checked.annotations) };
}

function descriptorOf(given: z.output<typeof descriptorSchema>): Descriptor {
  const { mediaType, digest, size, platform } = given;
  return {
    mediaType,
    digest,
    size,
    annotations: textMap(given.annotations),
    ...(platform ? { platform: platformOf(platform) } : {}),
  };
}

/** A platform from JSON, where an absent variant may also be null or empty. */
function platformOf(given: z.output<typeof platformSchema>): Platform {
  const { os, architecture, variant } = given;
  return variant ? { os, architecture, variant } : { os, architecture };
}

/** What a descriptor points to, by its media type alone. */
export function kindOf(descriptor: Descriptor): DocumentKind | undefined {
  return documentKind(descriptor.mediaType);
}
