import { randomBytes } from 'node:crypto';
import { type Files, HostError, type OpenFile } from '@cairn/host';
import {
  algorithmOf,
  type BlobIdentity,
  createVerifier,
  type Digest,
  hexOf,
  type Verifier,
} from './digest.ts';
import { OciError } from './error.ts';
import { formatPartialName, isGivenUp, type Owner, parsePartialName, thisProcess } from './partial.ts';
import type { OpenBytes } from './types.ts';

/** A content-addressed folder: `blobs/ALGORITHM/HEX`, as in an OCI image layout. */
export interface BlobStore {
  /** Whether the blob is here, with the size it must have. */
  has(blob: BlobIdentity): Promise<boolean>;
  /** undefined where there is no such blob. Its bytes were verified when they were put here, and are not again. */
  open(digest: Digest): Promise<OpenBytes | undefined>;
  /** Begins to put a blob here, or goes on with one whose writer was suspended or died. */
  create(blob: BlobIdentity, signal?: AbortSignal): Promise<BlobWriter>;
  remove(digest: Digest): Promise<void>;
}

/** Exactly one of `commit`, `suspend` and `discard` ends it. */
export interface BlobWriter {
  /** How many bytes are here; the next chunk goes there. Above 0 at the start when an earlier try was interrupted. */
  readonly offset: number;
  /** Throws OciError `size-mismatch` when there are more bytes than the blob has, `no-space` when the disk is full. */
  write(chunk: Uint8Array): Promise<void>;
  /** Forgets what was written, to start again from offset 0. */
  restart(): Promise<void>;
  /** Checks size and digest, flushes, and puts the blob in its place. What is wrong is removed: OciError `size-mismatch`, `digest-mismatch`. */
  commit(): Promise<void>;
  /** Keeps what is here for a later `create`. */
  suspend(): Promise<void>;
  discard(): Promise<void>;
}

const READ_BACK = 1 << 20;

/**
 * The blob store in `folder`, made when something is first put there. Many processes may use it at once: each writes to
 * a file of its own in `partial/`, which is renamed when it is complete and verified. A process takes a partial
 * over by renaming it, which succeeds for one only, and only once the process that wrote it is gone.
 */
export function openBlobStore(files: Files, folder: string, now: () => number = Date.now): BlobStore {
  const partials = `${folder}/partial`;
  const blobFolder = (digest: Digest) => `${folder}/blobs/${algorithmOf(digest)}`;
  const blobPath = (digest: Digest) => `${blobFolder(digest)}/${hexOf(digest)}`;
  return {
    async has(blob) {
      const status = await files.stat(blobPath(blob.digest));
      return status?.kind === 'file' && status.size === blob.size;
    },
    async open(digest) {
      try {
        return await files.open(blobPath(digest), 'read');
      } catch (cause) {
        if (cause instanceof HostError && cause.code === 'not-found') return undefined;
        throw cause;
      }
    },
    async create(blob, signal) {
      await files.makeDirectory(partials);
      await files.makeDirectory(blobFolder(blob.digest));
      const owner = await thisProcess(files);
      const claimed = await claimPartial(files, partials, blob, owner, now());
      const path = claimed ?? newPartialPath(partials, blob, owner);
      const file = await files.open(path, claimed === undefined ? 'create' : 'change');
      const writer = new FileBlobWriter(files, file, {
        blob,
        path,
        freePath: newPartialPath(partials, blob, undefined),
        finalPath: blobPath(blob.digest),
      });
      try {
        if (claimed !== undefined) await writer.readBack(signal);
      } catch (cause) {
        await writer.suspend();
        throw cause;
      }
      return writer;
    },
    remove: (digest) => files.remove(blobPath(digest)),
  };
}

function newPartialPath(folder: string, blob: BlobIdentity, owner: Owner | undefined): string {
  const name = { hex: hexOf(blob.digest), owner, nonce: randomBytes(8).toString('hex') };
  return `${folder}/${formatPartialName(name)}`;
}

/** Takes over the largest partial of a blob that nobody writes to any more, and removes the others; gives its new path. */
async function claimPartial(
  files: Files,
  folder: string,
  blob: BlobIdentity,
  self: Owner,
  now: number,
): Promise<string | undefined> {
  const candidates: { path: string; size: number }[] = [];
  for (const name of await files.list(folder)) {
    const partial = parsePartialName(name);
    if (partial?.hex !== hexOf(blob.digest)) continue;
    const path = `${folder}/${name}`;
    const status = await files.stat(path);
    if (status === undefined || !(await isGivenUp(files, partial, self, now - status.modified))) continue;
    candidates.push({ path, size: status.size });
  }
  candidates.sort((a, b) => b.size - a.size);
  let claimed: string | undefined;
  for (const { path } of candidates) {
    if (claimed === undefined) claimed = await renamed(files, path, newPartialPath(folder, blob, self));
    else await files.remove(path);
  }
  return claimed;
}

/** The new path; undefined if another process was quicker and the old one is gone. */
async function renamed(files: Files, from: string, to: string): Promise<string | undefined> {
  try {
    await files.rename(from, to);
    return to;
  } catch (cause) {
    if (cause instanceof HostError && cause.code === 'not-found') return undefined;
    throw cause;
  }
}

interface BlobPaths {
  readonly blob: BlobIdentity;
  readonly path: string;
  readonly freePath: string;
  readonly finalPath: string;
}

class FileBlobWriter implements BlobWriter {
  readonly #files: Files;
  readonly #file: OpenFile;
  readonly #paths: BlobPaths;
  #verifier: Verifier;

  constructor(files: Files, file: OpenFile, paths: BlobPaths) {
    this.#files = files;
    this.#file = file;
    this.#paths = paths;
    this.#verifier = createVerifier(paths.blob);
  }

  get offset(): number {
    return this.#verifier.size;
  }

  /** Brings the hash to where an earlier writer was. A partial that is longer than the blob is emptied. */
  async readBack(signal: AbortSignal | undefined): Promise<void> {
    if (this.#file.size > this.#paths.blob.size) return this.restart();
    const buffer = new Uint8Array(READ_BACK);
    while (this.offset < this.#file.size) {
      signal?.throwIfAborted();
      const count = await this.#file.read(this.offset, buffer, signal);
      if (count === 0) break;
      this.#verifier.update(buffer.subarray(0, count));
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    const position = this.offset;
    this.#verifier.update(chunk);
    try {
      await this.#file.write(position, chunk);
    } catch (cause) {
      throw asNoSpace(cause, this.#paths.blob);
    }
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#verifier = createVerifier(this.#paths.blob);
  }

  async commit(): Promise<void> {
    try {
      this.#verifier.finish();
      await this.#file.sync();
      await this.#file.close();
      await this.#files.rename(this.#paths.path, this.#paths.finalPath);
    } catch (cause) {
      await this.discard();
      throw asNoSpace(cause, this.#paths.blob);
    }
  }

  async suspend(): Promise<void> {
    await this.#file.close();
    await this.#files.rename(this.#paths.path, this.#paths.freePath);
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await this.#files.remove(this.#paths.path);
  }
}

function asNoSpace(cause: unknown, blob: BlobIdentity): unknown {
  if (!(cause instanceof HostError) || cause.code !== 'no-space') return cause;
  return new OciError(
    'no-space',
    `blob ${blob.digest} of ${blob.size} bytes does not fit: ${cause.message}`,
    {
      hint: 'make room there, or choose another folder for the cache',
      cause,
    },
  );
}
