export { configPlatform, type HistoryEntry, type ImageConfig, parseConfig } from './config.ts';
export {
  algorithmOf,
  type BlobIdentity,
  createVerifier,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  hexOf,
  isDigest,
  parseDigest,
  type Verifier,
} from './digest.ts';
export { OciError, type OciErrorCode } from './error.ts';
export { type OpenImageOptions, openImage } from './image.ts';
export {
  DEFAULT_MERGE_LIMITS,
  type LayerTar,
  type MergeLimits,
  type MergeOptions,
  mergeLayers,
} from './layer/merge.ts';
export { type OpenTree, type OpenTreeOptions, openTree } from './layer/open-tree.ts';
export { DEFAULT_UNPACK_LIMITS, type UnpackLimits } from './layer/unpack.ts';
export { type Descriptor, type ImageIndex, type ImageManifest, parseManifest } from './manifest.ts';
export { formatPlatform, type Platform, runsOn, type TargetPlatform } from './platform.ts';
export {
  formatReference,
  type LocalReference,
  parseReference,
  type Reference,
  type RegistryReference,
  type RootfsReference,
} from './reference.ts';
export {
  createRegistry,
  type PullOptions,
  type Registry,
  type RegistryOptions,
} from './registry/client.ts';
export { type CredentialsProvider, dockerCredentials } from './registry/credentials.ts';
export type { Credentials } from './registry/docker-config.ts';
export { imageRegistry } from './registry/image-registry.ts';
export type { FetchedManifest, ManifestDescriptor } from './registry/manifests.ts';
export { type ProxiedFetch, proxyFetch } from './registry/proxy.ts';
export type { PulledBlob, PullProgress } from './registry/pull.ts';
export type { PushedBlob } from './registry/push.ts';
export type { Referrer } from './registry/referrers.ts';
export type { RegistryNotice } from './registry/transport.ts';
export { type BlobStore, type BlobWriter, openBlobStore } from './store.ts';
export type {
  Image,
  ImageDoors,
  ImageRegistry,
  Layer,
  OpenBytes,
  Progress,
  StepOptions,
} from './types.ts';
export { type ExtraLayer, type LayoutChanges, type WrittenImage, writeLayout } from './write/layout.ts';
