import { createHash } from 'node:crypto';
import { type ByteSource, type ByteTarget, chunksOf, copy, formatBytes } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { algorithmOf, type BlobIdentity, createVerifier, type Digest } from '../digest.ts';
import { OciError } from '../error.ts';
import { type Compression, decompress, detectPacking, supported } from './compression.ts';
import { createSpool } from './spool.ts';

/** What a layer may grow to. */
export interface UnpackLimits {
  /** In bytes. */
  readonly size: number;
  /** How many bytes one compressed byte may become on average. */
  readonly ratio: number;
  /** Up to so many bytes a layer may be as compressible as it likes: small ones of zeros are common. */
  readonly ratioFrom: number;
}

export const DEFAULT_UNPACK_LIMITS: UnpackLimits = { size: 64 * 2 ** 30, ratio: 250, ratioFrom: 2 ** 30 };

/** A blob to unpack. It is given away: what `openTar` returns disposes of it, and so does a failure. */
export interface PackedTar {
  readonly blob: ByteSource & AsyncDisposable;
  /** What to call it in errors: `layer 3f2a...`. */
  readonly label: string;
  /** What the blob as it is stored must be. */
  readonly stored?: BlobIdentity;
  /** What the tar in it must be. */
  readonly diffId?: Digest;
}

export interface UnpackOptions {
  readonly files: Files;
  readonly workFolder: string;
  readonly limits?: UnpackLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of `blob.size`, how many bytes are read. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface UnpackedTar {
  readonly tar: ByteSource & AsyncDisposable;
  /** SHA-256 unless the expected one is of another algorithm. */
  readonly diffId: Digest;
}

/**
 * The tar in a blob, to be read at any position, once every byte of it is checked against digest, size and diffID.
 * A compressed one is unpacked into a spool; one that is not compressed is read where it lies.
 *
 * @throws OciError `digest-mismatch`, `size-mismatch`, `invalid-layer` (corrupt, truncated), `too-large`
 *   (decompression bomb), `unsupported` (xz, bzip2); HostError
 */
export async function openTar(packed: PackedTar, options: UnpackOptions): Promise<UnpackedTar> {
  try {
    const compression = supported(await detectPacking(packed.blob, options.signal), packed.label);
    if (compression === undefined) return await openPlain(packed, options);
    const unpacked = await unpackInto(packed, compression, options);
    await packed.blob[Symbol.asyncDispose]();
    return unpacked;
  } catch (cause) {
    await packed.blob[Symbol.asyncDispose]();
    throw cause;
  }
}

async function openPlain(packed: PackedTar, options: UnpackOptions): Promise<UnpackedTar> {
  const { blob, stored, diffId } = packed;
  if (stored !== undefined && stored.digest === diffId) {
    await verifyStored(packed, options, () => {});
    return { tar: blob, diffId };
  }
  const hasher = diffIdHasher(packed);
  await verifyStored(packed, options, (chunk) => hasher.update(chunk));
  return { tar: blob, diffId: hasher.finish() };
}

async function unpackInto(
  packed: PackedTar,
  compression: Compression,
  options: UnpackOptions,
): Promise<UnpackedTar> {
  const spool = await createSpool(options.files, options.workFolder);
  try {
    const hasher = diffIdHasher(packed);
    let size = 0;
    for await (const chunk of unpackedChunks(packed, compression, options)) {
      hasher.update(chunk);
      await spool.write(size, chunk);
      size += chunk.length;
    }
    return { tar: spool, diffId: hasher.finish() };
  } catch (cause) {
    await spool[Symbol.asyncDispose]();
    throw cause;
  }
}

async function* unpackedChunks(
  packed: PackedTar,
  compression: Compression,
  options: UnpackOptions,
): AsyncGenerator<Uint8Array> {
  const limits = options.limits ?? DEFAULT_UNPACK_LIMITS;
  let read = 0;
  let size = 0;
  const compressed = storedChunks(packed, options, (length) => {
    read += length;
  });
  try {
    for await (const chunk of decompress(compressed, compression, packed.label)) {
      size += chunk.length;
      checkGrowth(size, read, limits, packed.label);
      yield chunk;
    }
  } catch (cause) {
    // Bytes that were changed on the way look like a corrupt stream first; the digest tells which it is.
    const isCorrupt = cause instanceof OciError && cause.code === 'invalid-layer';
    if (isCorrupt && packed.stored !== undefined) await verifyStored(packed, options, () => {});
    throw cause;
  }
}

function checkGrowth(size: number, read: number, limits: UnpackLimits, label: string): void {
  const bomb = size > limits.ratioFrom && size > read * limits.ratio;
  if (size <= limits.size && !bomb) return;
  const detail = bomb
    ? `${formatBytes(read)} of it unpack to more than ${formatBytes(size)}, which only a decompression bomb does`
    : `it unpacks to more than the ${formatBytes(limits.size)} allowed`;
  throw new OciError('too-large', `${label}: ${detail}`);
}

/** Takes note of a blob's bytes as they are read. */
interface StoredCheck {
  /** Throws OciError `size-mismatch`. */
  update(chunk: Uint8Array): void;
  /** Throws OciError `size-mismatch`, `digest-mismatch`. */
  finish(): void;
}

function storedCheck({ stored, label }: PackedTar, options: UnpackOptions): StoredCheck {
  const verifier = stored === undefined ? undefined : createVerifier(stored, label);
  let done = 0;
  return {
    update(chunk) {
      verifier?.update(chunk);
      done += chunk.length;
      options.onProgress?.(done);
    },
    finish: () => verifier?.finish(),
  };
}

/** Reads the whole blob as it is stored, and throws if it is not what it must be. */
async function verifyStored(
  packed: PackedTar,
  options: UnpackOptions,
  visit: (chunk: Uint8Array) => void,
): Promise<void> {
  const check = storedCheck(packed, options);
  const target: ByteTarget = {
    write(_, chunk) {
      check.update(chunk);
      visit(chunk);
    },
  };
  await copy(packed.blob, target, options.signal);
  check.finish();
}

/** The blob as it is stored, in chunks that may be kept; throws at the end, or before, if it is not what it must be. */
async function* storedChunks(
  packed: PackedTar,
  options: UnpackOptions,
  onRead: (length: number) => void,
): AsyncGenerator<Uint8Array> {
  const check = storedCheck(packed, options);
  for await (const chunk of chunksOf(packed.blob, options.signal)) {
    check.update(chunk);
    onRead(chunk.length);
    yield chunk;
  }
  check.finish();
}

interface DiffIdHasher {
  update(chunk: Uint8Array): void;
  /** Throws OciError `digest-mismatch` if another diffID is expected. */
  finish(): Digest;
}

function diffIdHasher({ diffId, label }: PackedTar): DiffIdHasher {
  const algorithm = diffId === undefined ? 'sha256' : algorithmOf(diffId);
  const state = createHash(algorithm);
  return {
    update: (chunk) => void state.update(chunk),
    finish() {
      const found: Digest = `${algorithm}:${state.digest('hex')}`;
      if (diffId === undefined || found === diffId) return found;
      throw new OciError(
        'digest-mismatch',
        `${label}: its unpacked bytes have the digest ${found}, the image's configuration says ${diffId}`,
        { hint: 'the image was not built as it says; build or pull it again' },
      );
    },
  };
}
