import type { ByteSource } from '@cairn/bytes';
import type { Files, Programs } from '@cairn/host';
import type { ImageConfig } from './config.ts';
import type { BlobIdentity, Digest } from './digest.ts';
import type { UnpackLimits } from './layer/unpack.ts';
import type { RegistryReference } from './reference.ts';

/** Bytes that are open to be read at any position until they are disposed of. */
export type OpenBytes = ByteSource & AsyncDisposable;

/** How far a long step is. */
export interface Progress {
  /** `fetch` from a registry, `pack` a folder into a tar, `unpack` or check a layer, `write` a copy of it. */
  readonly step: 'fetch' | 'pack' | 'unpack' | 'write';
  /** Of the layer, or of the whole image. */
  readonly name: string;
  /** In bytes. */
  readonly done: number;
  /** Not known for a folder that is being packed. */
  readonly total?: number;
}

export interface StepOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** One layer of an image, the way it is stored. */
export interface Layer {
  /** A short digest, or the name of the file that it is: for messages. */
  readonly name: string;
  /** Of the blob as it is stored. */
  readonly digest: Digest;
  /** Of the tar in it. */
  readonly diffId: Digest;
  readonly mediaType: string;
  /** Of the blob as it is stored, in bytes. */
  readonly size: number;
  /** The descriptor's. */
  readonly annotations: ReadonlyMap<string, string>;
  /**
   * The uncompressed tar, to be read at any position. Digest, size and diffID are checked before it is given.
   *
   * @throws OciError that names the layer: `digest-mismatch`, `size-mismatch`, `invalid-layer`, `too-large`
   */
  open(options?: StepOptions): Promise<OpenBytes>;
  /** The blob as it is stored, not checked. */
  openBlob(options?: StepOptions): Promise<OpenBytes>;
}

/** An image for one platform. What was made to read it, such as spools, goes with its dispose. */
export interface Image extends AsyncDisposable {
  /** As the user wrote it. */
  readonly name: string;
  /** Of the platform's manifest; of the tar where the image is only a tar or a folder. */
  readonly digest: Digest;
  readonly config: ImageConfig;
  /** The configuration as it is stored, with all that `config` leaves out. */
  readonly configBytes: Uint8Array;
  /** The manifest's. */
  readonly annotations: ReadonlyMap<string, string>;
  /** From the lowest to the highest. */
  readonly layers: readonly Layer[];
  /** The manifest as it is stored; none where the image is only a tar or a folder. */
  readonly manifest?: Uint8Array;
}

/** What is needed of a registry's client. Every digest is checked again on this side. */
export interface ImageRegistry {
  /** The manifest or index that a reference names. */
  manifest(
    reference: RegistryReference,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: Digest }>;
  /** A blob of the reference's repository. */
  blob(
    reference: RegistryReference,
    blob: BlobIdentity,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((done: number) => void) | undefined;
    },
  ): Promise<OpenBytes>;
}

/** The ways out of this package: all that it reads and writes goes through them. */
export interface ImageDoors {
  readonly files: Files;
  readonly programs: Programs;
  /** Needed for images in registries only. */
  readonly registry?: ImageRegistry;
  /** Where layers are unpacked to. It holds as much as the image, uncompressed, until the image is disposed of. */
  readonly workFolder: string;
  readonly limits?: UnpackLimits;
}
