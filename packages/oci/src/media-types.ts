import { quoted } from './quote.ts';

/** What a document is that other documents or a registry point to. */
export type DocumentKind = 'index' | 'manifest';

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';

const DOCUMENT_KINDS: ReadonlyMap<string, DocumentKind> = new Map([
  [OCI_INDEX, 'index'],
  [DOCKER_LIST, 'index'],
  [OCI_MANIFEST, 'manifest'],
  [DOCKER_MANIFEST, 'manifest'],
]);

const SCHEMA_1: ReadonlySet<string> = new Set([
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
]);

/** Each way a layer may be stored, as OCI's own media types write it. */
const LAYERS: ReadonlyMap<string, string> = new Map([
  [OCI_LAYER, OCI_LAYER],
  [`${OCI_LAYER}+gzip`, `${OCI_LAYER}+gzip`],
  [`${OCI_LAYER}+zstd`, `${OCI_LAYER}+zstd`],
  [DOCKER_LAYER, OCI_LAYER],
  [`${DOCKER_LAYER}.gzip`, `${OCI_LAYER}+gzip`],
  [`${DOCKER_LAYER}.zstd`, `${OCI_LAYER}+zstd`],
]);

/** All that an image's manifest or index may be: what to accept from a registry. */
export const DOCUMENT_TYPES: readonly string[] = [...DOCUMENT_KINDS.keys()];

export function documentKind(mediaType: string): DocumentKind | undefined {
  return DOCUMENT_KINDS.get(mediaType);
}

export function isSchema1(mediaType: string): boolean {
  return SCHEMA_1.has(mediaType);
}

export function isConfigType(mediaType: string): boolean {
  return mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
}

/** The media type that OCI has for a layer of Docker's or its own; undefined if it is no layer that can be read. */
export function ociLayerType(mediaType: string): string | undefined {
  return LAYERS.get(mediaType);
}

/** Why a layer of this media type cannot be used, as the end of a sentence; undefined if it can. */
export function layerFault(mediaType: string): string | undefined {
  if (LAYERS.has(mediaType)) return undefined;
  if (mediaType.endsWith('+encrypted')) return 'is encrypted';
  if (mediaType.includes('.nondistributable.') || mediaType.includes('.foreign.')) {
    return 'is a foreign layer, kept outside of registries';
  }
  return `has the media type ${quoted(mediaType)}, which is not a layer's`;
}
