import { concatBytes } from '@cairn/bytes';
import type { Clock } from '@cairn/host';
import { OciError } from '../error.ts';
import { networkError } from './failure.ts';
import { type StallWatch, watchForStall } from './stall.ts';

/** What every request goes through. */
export interface Wire {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly stallMs: number;
  readonly userAgent: string;
}

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the host of `url` only, never to where it redirects to. */
  readonly authorization: string | undefined;
  /** Made anew for each try. */
  readonly body?:
    | { readonly size: number; chunks(signal?: AbortSignal): AsyncIterable<Uint8Array> }
    | undefined;
}

/** An answer whose body is still to come: it must be read, or discarded. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from in the end. */
  readonly url: URL;
  /** The host of `url`, for messages: the rest may hold a signature. */
  readonly host: string;
  /** Throws what `networkError` makes of a connection that breaks. */
  chunks(): AsyncGenerator<Uint8Array>;
  discard(): Promise<void>;
}

const REDIRECT_LIMIT = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a request, and follows redirects of GET and HEAD: never from https to http, and without the
 * Authorization once another host or port is reached.
 *
 * @throws OciError, or TransientFailure when it is worth another try
 */
export async function send(
  wire: Wire,
  request: WireRequest,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  let { url } = request;
  let trusted = true;
  for (let hops = 0; ; hops++) {
    const reply = await sendOnce(wire, request, url, trusted, signal);
    const follow = request.method === 'GET' || request.method === 'HEAD';
    if (!follow || !REDIRECTS.has(reply.status)) return reply;
    await reply.discard();
    if (hops === REDIRECT_LIMIT) {
      throw new OciError('protocol', `${request.url.host} redirects more than ${REDIRECT_LIMIT} times`);
    }
    url = targetOf(url, reply.headers.get('location'));
    trusted &&= url.origin === request.url.origin;
  }
}

/** Where a Location header leads. @throws OciError `protocol` where it must not be followed */
export function targetOf(from: URL, location: string | null): URL {
  const target = location === null ? null : URL.parse(location, from.href);
  if (
    target === null ||
    !/^https?:$/.test(target.protocol) ||
    target.username !== '' ||
    target.password !== ''
  ) {
    throw new OciError('protocol', `${from.host} sends us to an address that is none`);
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw new OciError(
      'protocol',
      `${from.host} sends us from https to http at ${target.host}, which is not safe`,
    );
  }
  return target;
}

async function sendOnce(
  wire: Wire,
  request: WireRequest,
  url: URL,
  trusted: boolean,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  signal?.throwIfAborted();
  const { body } = request;
  const watch = watchForStall(wire.clock, wire.stallMs, url.host, signal);
  const headers: Record<string, string> = {
    'user-agent': wire.userAgent,
    // Content is verified byte for byte as it is stored there.
    'accept-encoding': 'identity',
    ...request.headers,
    ...(trusted && request.authorization !== undefined ? { authorization: request.authorization } : {}),
    ...(body === undefined ? {} : { 'content-length': String(body.size) }),
  };
  try {
    const response = await wire.fetch(url, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: watch.signal,
      ...(body === undefined
        ? {}
        : { body: watched(body.chunks(watch.signal), watch), duplex: 'half' as const }),
    });
    watch.pause();
    return replyOf(response, url, watch, signal);
  } catch (cause) {
    watch[Symbol.dispose]();
    signal?.throwIfAborted();
    throw networkError(cause, url.host);
  }
}

async function* watched(chunks: AsyncIterable<Uint8Array>, watch: StallWatch): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    watch.moved();
    yield chunk;
  }
}

function replyOf(response: Response, url: URL, watch: StallWatch, signal: AbortSignal | undefined): Reply {
  const { body } = response;
  return {
    status: response.status,
    headers: response.headers,
    url,
    host: url.host,
    async *chunks() {
      try {
        watch.moved();
        for await (const chunk of body ?? []) {
          watch.pause();
          yield chunk;
          watch.moved();
        }
      } catch (cause) {
        signal?.throwIfAborted();
        throw networkError(cause, url.host);
      } finally {
        watch[Symbol.dispose]();
      }
    },
    async discard() {
      watch[Symbol.dispose]();
      // A body that broke off is no matter when nobody wants it.
      await body?.cancel().catch(() => {});
    },
  };
}

/** The whole of a small body. @throws OciError `too-large`, before more than `limit` bytes are held */
export async function readBody(reply: Reply, limit: number, what: string): Promise<Uint8Array> {
  const tooLarge = () =>
    new OciError('too-large', `${what} from ${reply.host} has more than the ${limit} bytes allowed for it`);
  if (Number(reply.headers.get('content-length') ?? 0) > limit) {
    await reply.discard();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.chunks()) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}
