import type { ByteSource } from '@cairn/bytes';
import type { Clock } from '@cairn/host';
import type { BlobIdentity, Digest } from '../digest.ts';
import type { RegistryReference } from '../reference.ts';
import type { BlobStore } from '../store.ts';
import { Authenticator } from './auth.ts';
import type { CredentialsProvider } from './credentials.ts';
import { endpointsOf } from './endpoint.ts';
import {
  type FetchedManifest,
  fetchManifest,
  type ManifestDescriptor,
  resolveManifest,
} from './manifests.ts';
import { type PulledBlob, type PullProgress, pullBlob, pullBlobs } from './pull.ts';
import { type PushedBlob, pushBlob, pushManifest } from './push.ts';
import { listReferrers, type Referrer } from './referrers.ts';
import { listTags } from './tags.ts';
import { type Place, type RegistryNotice, Transport } from './transport.ts';

export interface RegistryOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Asked when a registry wants a login; nobody is logged in unless given. */
  readonly credentials?: CredentialsProvider;
  /** By registry, the mirrors that are tried before it to pull: `HOST[:PORT][/FOLDER]`. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** The registries, `HOST[:PORT]`, that are spoken to by plain http. All others get https, loopback too. */
  readonly plainHttp?: readonly string[];
  /** How many blobs are pulled at a time; 4 unless told. */
  readonly parallel?: number;
  /** How often in a row a request that fails is tried again; 5 unless told. */
  readonly retries?: number;
  /** The pause before the first retry, each next being twice as long; 500 unless told. */
  readonly backoffMs?: number;
  /** A transfer that does not move for so long is ended and tried again; 30,000 unless told. */
  readonly stallMs?: number;
  readonly userAgent?: string;
  /** From 0 to below 1, for the jitter of pauses. */
  readonly random?: () => number;
  readonly onNotice?: (notice: RegistryNotice) => void;
}

interface SignalOption {
  readonly signal?: AbortSignal | undefined;
}

export interface PullOptions extends SignalOption {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
}

/** Registries, by the OCI distribution specification 1.1. All methods throw OciError. */
export interface Registry {
  /** What a reference names: the digest of its manifest or index. */
  resolve(reference: RegistryReference, options?: SignalOption): Promise<ManifestDescriptor>;
  /** A manifest or index, verified, of at most 4 MiB. */
  manifest(reference: RegistryReference, options?: SignalOption): Promise<FetchedManifest>;
  /** Brings a blob of the reference's repository into a store, going on where an earlier try was interrupted. */
  pullBlob(
    reference: RegistryReference,
    blob: BlobIdentity,
    store: BlobStore,
    options?: PullOptions,
  ): Promise<PulledBlob>;
  pullBlobs(
    reference: RegistryReference,
    blobs: readonly BlobIdentity[],
    store: BlobStore,
    options?: PullOptions,
  ): Promise<PulledBlob>;
  /** Manifests that have `digest` as their subject, of one type or of all. */
  referrers(
    reference: RegistryReference,
    digest: Digest,
    options?: SignalOption & { readonly artifactType?: string },
  ): Promise<readonly Referrer[]>;
  listTags(reference: RegistryReference, options?: SignalOption): AsyncIterable<string>;
  /** Puts a blob into the reference's repository, unless it is there or can be mounted from another one of the same registry. */
  pushBlob(
    reference: RegistryReference,
    blob: BlobIdentity,
    source: ByteSource,
    options?: SignalOption & { readonly mountFrom?: string },
  ): Promise<PushedBlob>;
  /** Puts a manifest under the reference's tag, or under its digest where there is none; its blobs must be there. */
  pushManifest(
    reference: RegistryReference,
    bytes: Uint8Array,
    mediaType: string,
    options?: SignalOption,
  ): Promise<ManifestDescriptor>;
}

const DEFAULTS = { parallel: 4, retries: 5, backoffMs: 500, stallMs: 30_000, userAgent: 'cairn' } as const;

/** A client for any number of registries. It keeps tokens as long as it lives, and nothing on disk. */
export function createRegistry(options: RegistryOptions): Registry {
  const settings = { ...DEFAULTS, ...options };
  const { fetch, clock, stallMs, userAgent, retries, backoffMs } = settings;
  const wire = { fetch, clock, stallMs, userAgent };
  const transport = new Transport({
    wire,
    policy: { clock, retries, backoffMs, random: options.random ?? Math.random },
    authenticator: new Authenticator(wire, options.credentials ?? (async () => undefined)),
    onNotice: options.onNotice ?? (() => {}),
  });
  function at(reference: RegistryReference, { signal }: SignalOption): Place {
    const endpoints = endpointsOf(reference, options.mirrors ?? {}, options.plainHttp ?? []);
    return { transport, endpoints, signal };
  }
  return {
    resolve: async (reference, given = {}) => resolveManifest(at(reference, given), reference),
    manifest: async (reference, given = {}) => fetchManifest(at(reference, given), reference),
    pullBlob: async (reference, blob, store, given = {}) =>
      pullBlob(at(reference, given), blob, store, given.onProgress),
    pullBlobs: async (reference, blobs, store, given = {}) =>
      pullBlobs(at(reference, given), blobs, store, { ...given, parallel: settings.parallel }),
    referrers: async (reference, digest, given = {}) =>
      listReferrers(at(reference, given), digest, given.artifactType),
    listTags: (reference, given = {}) => listTags(at(reference, given)),
    pushBlob: async (reference, blob, source, given = {}) =>
      pushBlob(at(reference, given), blob, source, given.mountFrom),
    pushManifest: async (reference, bytes, mediaType, given = {}) =>
      pushManifest(at(reference, given), reference.tag, bytes, mediaType),
  };
}
