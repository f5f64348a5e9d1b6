import type { BlobIdentity } from '../digest.ts';
import { OciError } from '../error.ts';
import type { BlobStore, BlobWriter } from '../store.ts';
import type { Endpoint, Endpoints } from './endpoint.ts';
import { TransientFailure } from './failure.ts';
import type { Place } from './transport.ts';
import type { Reply } from './wire.ts';

export interface PullProgress {
  readonly blob: BlobIdentity;
  /** Bytes that are here, those of earlier tries included. Falls when a transfer has to start again. */
  readonly received: number;
}

export interface PulledBlob {
  /** Bytes that came over the network; 0 if the blob was here. */
  readonly transferred: number;
}

/**
 * Brings a blob into the store. What an interrupted transfer left there is kept, and asked for no second
 * time (RFC 9110, section 14, "Range Requests").
 *
 * @throws OciError `digest-mismatch` or `size-mismatch` when it is wrong twice, the second time from the registry itself and from
 * its start; `no-space`, `blob-unknown`, ...
 */
export async function pullBlob(
  place: Place,
  blob: BlobIdentity,
  store: BlobStore,
  onProgress: (progress: PullProgress) => void = () => {},
): Promise<PulledBlob> {
  if (await store.has(blob)) {
    onProgress({ blob, received: blob.size });
    return { transferred: 0 };
  }
  const transfer = new Transfer(place, blob, onProgress);
  try {
    await transfer.into(store, place.endpoints);
  } catch (cause) {
    if (!isMismatch(cause)) throw cause;
    await transfer.into(store, { ...place.endpoints, mirrors: [] });
  }
  return { transferred: transfer.transferred };
}

function isMismatch(cause: unknown): boolean {
  return cause instanceof OciError && (cause.code === 'digest-mismatch' || cause.code === 'size-mismatch');
}

class Transfer {
  readonly #place: Place;
  readonly #blob: BlobIdentity;
  readonly #onProgress: (progress: PullProgress) => void;
  transferred = 0;

  constructor(place: Place, blob: BlobIdentity, onProgress: (progress: PullProgress) => void) {
    this.#place = place;
    this.#blob = blob;
    this.#onProgress = onProgress;
  }

  async into(store: BlobStore, endpoints: Endpoints): Promise<void> {
    const { transport, signal } = this.#place;
    const writer = await store.create(this.#blob, signal);
    this.#report(writer);
    try {
      await transport.anywhere(endpoints, signal, (endpoint) => this.#fetchFrom(endpoint, writer));
    } catch (cause) {
      await (isMismatch(cause) ? writer.discard() : writer.suspend());
      throw cause;
    }
    await writer.commit();
  }

  async #fetchFrom(endpoint: Endpoint, writer: BlobWriter): Promise<void> {
    const { transport, signal } = this.#place;
    try {
      await transport.retrying(endpoint, { signal, progress: () => writer.offset }, () =>
        this.#fetchRest(endpoint, writer),
      );
    } catch (cause) {
      // What a mirror sent must not be what the next place goes on from.
      if (isMismatch(cause)) await writer.restart();
      throw cause;
    }
  }

  /** One request for what is missing, from start to end. */
  async #fetchRest(endpoint: Endpoint, writer: BlobWriter): Promise<void> {
    const { transport, signal } = this.#place;
    const from = writer.offset;
    if (from === this.#blob.size) return;
    const reply = await transport.send(
      endpoint,
      {
        method: 'GET',
        path: `blobs/${this.#blob.digest}`,
        headers: from === 0 ? {} : { range: `bytes=${from}-` },
        accept: from === 0 ? [200] : [200, 206, 416],
        what: `blob ${this.#blob.digest} of ${endpoint.repository}`,
        missing: 'blob-unknown',
      },
      signal,
    );
    try {
      await this.#settleStart(reply, writer);
    } catch (cause) {
      await reply.discard();
      throw cause;
    }
    for await (const chunk of reply.chunks()) {
      this.transferred += chunk.length;
      await writer.write(chunk);
      this.#report(writer);
    }
    if (writer.offset < this.#blob.size) {
      throw new TransientFailure(
        new OciError(
          'unreachable',
          `${reply.host} ended the transfer of ${this.#blob.digest} at byte ${writer.offset}`,
        ),
      );
    }
  }

  /** Sees to it that the body of the reply begins where the writer is, and that it has the length it must have. */
  async #settleStart(reply: Reply, writer: BlobWriter): Promise<void> {
    const { digest, size } = this.#blob;
    if (reply.status === 200 && writer.offset > 0) await writer.restart();
    if (reply.status === 416 || (reply.status === 206 && !startsAt(reply, writer.offset, size))) {
      const from = writer.offset;
      await writer.restart();
      throw new TransientFailure(
        new OciError('protocol', `${reply.host} did not give the bytes of ${digest} from ${from} on`),
      );
    }
    const length = Number(reply.headers.get('content-length') ?? Number.NaN);
    if (length > size - writer.offset || (reply.status === 200 && length < size)) {
      throw new OciError(
        'size-mismatch',
        `${reply.host} has ${length} bytes as blob ${digest}, it must have ${size}`,
      );
    }
  }

  #report(writer: BlobWriter): void {
    this.#onProgress({ blob: this.#blob, received: writer.offset });
  }
}

/** Whether a 206 has what was asked for (RFC 9110, section 14.4). It may have less of it. */
function startsAt(reply: Reply, from: number, size: number): boolean {
  const [, start, end, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(reply.headers.get('content-range') ?? '') ?? [];
  return Number(start) === from && Number(end) < size && (total === '*' || Number(total) === size);
}

/** Brings many blobs, up to `parallel` at a time. The first failure stops the others, whose bytes are kept. */
export async function pullBlobs(
  place: Place,
  blobs: readonly BlobIdentity[],
  store: BlobStore,
  options: {
    readonly parallel: number;
    readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  },
): Promise<PulledBlob> {
  const failed = new AbortController();
  const signal = place.signal === undefined ? failed.signal : AbortSignal.any([place.signal, failed.signal]);
  const pending = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()].reverse();
  let transferred = 0;
  async function work(): Promise<void> {
    for (let blob = pending.pop(); blob !== undefined; blob = pending.pop()) {
      const pulled = await pullBlob({ ...place, signal }, blob, store, options.onProgress);
      transferred += pulled.transferred;
    }
  }
  let failure: { readonly cause: unknown } | undefined;
  const workers = Array.from({ length: Math.min(options.parallel, pending.length) }, () =>
    work().catch((cause: unknown) => {
      failure ??= { cause };
      failed.abort(cause);
    }),
  );
  await Promise.all(workers);
  if (failure !== undefined) throw failure.cause;
  return { transferred };
}
