import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Digest } from '@cairn/oci';
import type { TestImage } from './types.ts';

export interface StoredManifest {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

interface Repository {
  readonly blobs: Set<string>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, Digest>;
}

interface LinkedDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface ManifestLinks {
  readonly manifests?: readonly LinkedDescriptor[];
  readonly config?: LinkedDescriptor;
  readonly layers?: readonly LinkedDescriptor[];
  readonly subject?: LinkedDescriptor;
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

export function digestOfBytes(bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** What a test registry holds: blobs once, and for each repository which of them it has, its manifests and its tags. */
export class Contents {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #repositories = new Map<string, Repository>();

  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  #ensure(name: string): Repository {
    const found = this.#repositories.get(name) ?? { blobs: new Set(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, found);
    return found;
  }

  blob(digest: string): Uint8Array | undefined {
    return this.#blobs.get(digest);
  }

  /** The blob, if this repository has it. */
  blobIn(repository: string, digest: string): Uint8Array | undefined {
    return this.repository(repository)?.blobs.has(digest) === true ? this.#blobs.get(digest) : undefined;
  }

  manifest(repository: string, reference: string): StoredManifest | undefined {
    const found = this.repository(repository);
    return found?.manifests.get(found.tags.get(reference) ?? reference);
  }

  tags(repository: string): string[] {
    return [...(this.repository(repository)?.tags.keys() ?? [])].sort();
  }

  putBlob(repository: string, bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
    const digest = digestOfBytes(bytes, algorithm);
    this.#blobs.set(digest, bytes);
    this.#ensure(repository).blobs.add(digest);
    return digest;
  }

  /** Whether the other repository had it. */
  mount(repository: string, digest: string, from: string): boolean {
    if (this.blobIn(from, digest) === undefined) return false;
    this.#ensure(repository).blobs.add(digest);
    return true;
  }

  putManifest(repository: string, bytes: Uint8Array, mediaType: string, tag?: string): Digest {
    const digest = digestOfBytes(bytes);
    const found = this.#ensure(repository);
    found.manifests.set(digest, { digest, bytes, mediaType });
    if (tag !== undefined) found.tags.set(tag, digest);
    return digest;
  }

  /** The digests that a manifest needs and this repository does not have. */
  missingFrom(repository: string, bytes: Uint8Array): string[] {
    const links = linksOf(bytes);
    const blobs = [...(links.config === undefined ? [] : [links.config]), ...(links.layers ?? [])];
    const missing = blobs.filter((blob) => this.blobIn(repository, blob.digest) === undefined);
    return missing.map((blob) => blob.digest);
  }

  /** Descriptors of all manifests whose subject is `digest`, as the referrers API lists them. */
  referrers(repository: string, digest: string): object[] {
    const descriptors: object[] = [];
    for (const manifest of this.repository(repository)?.manifests.values() ?? []) {
      const parsed = JSON.parse(new TextDecoder().decode(manifest.bytes)) as ManifestLinks & {
        artifactType?: string;
        annotations?: object;
      };
      if (parsed.subject?.digest !== digest) continue;
      descriptors.push({
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.length,
        artifactType: parsed.artifactType ?? parsed.config?.mediaType,
        ...(parsed.annotations === undefined ? {} : { annotations: parsed.annotations }),
      });
    }
    return descriptors;
  }

  putImage(
    repository: string,
    tag: string,
    image: { layers: readonly Uint8Array[]; config?: object; layerMediaType?: string },
  ): TestImage {
    const layers = image.layers.map((bytes) => ({
      digest: this.putBlob(repository, bytes),
      size: bytes.length,
    }));
    const defaults = {
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
    };
    const configBytes = jsonBytes(image.config ?? defaults);
    const config = this.putBlob(repository, configBytes);
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: config, size: configBytes.length },
      layers: layers.map((layer) => ({ mediaType: image.layerMediaType ?? OCI_LAYER, ...layer })),
    };
    return {
      manifest: this.putManifest(repository, jsonBytes(manifest), OCI_MANIFEST, tag),
      config,
      layers: layers.map((layer) => layer.digest),
    };
  }

  async putLayout(repository: string, folder: string): Promise<Digest[]> {
    const index = linksOf(await readFile(`${folder}/index.json`));
    const digests: Digest[] = [];
    for (const descriptor of index.manifests ?? []) {
      const tag = descriptor.annotations?.['org.opencontainers.image.ref.name'];
      await this.#putFromLayout(repository, folder, descriptor, tag);
      digests.push(descriptor.digest);
    }
    return digests;
  }

  async #putFromLayout(
    repository: string,
    folder: string,
    descriptor: LinkedDescriptor,
    tag?: string,
  ): Promise<void> {
    const bytes = await readFile(`${folder}/blobs/${descriptor.digest.replace(':', '/')}`);
    const links = linksOf(bytes);
    for (const child of links.manifests ?? []) await this.#putFromLayout(repository, folder, child);
    for (const blob of [...(links.config === undefined ? [] : [links.config]), ...(links.layers ?? [])]) {
      this.putBlob(repository, await readFile(`${folder}/blobs/${blob.digest.replace(':', '/')}`));
    }
    this.putManifest(repository, bytes, descriptor.mediaType, tag);
  }
}

export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function linksOf(bytes: Uint8Array): ManifestLinks {
  return JSON.parse(new TextDecoder().decode(bytes)) as ManifestLinks;
}
