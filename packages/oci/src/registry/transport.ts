import { OciError, type OciErrorCode } from '../error.ts';
import type { Access, Authenticator } from './auth.ts';
import type { Endpoint, Endpoints } from './endpoint.ts';
import { parseRefusal, refusalError, TransientFailure } from './failure.ts';
import { parseRetryAfter, type RetryPolicy, withRetries } from './retry.ts';
import { type Reply, readBody, send, type Wire, type WireRequest } from './wire.ts';

/** A request to the API of a repository. */
export interface Call {
  readonly method: WireRequest['method'];
  /** Below `/v2/NAME/`, with the query, or the whole address where the registry gave one. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: WireRequest['body'];
  /** Statuses that are given back; all others are thrown. */
  readonly accept: readonly number[];
  /** `pull` unless told. */
  readonly access?: Access;
  /** What is asked for, as a person calls it; for errors. */
  readonly what: string;
  /** What a 404 means where the registry does not say. */
  readonly missing: OciErrorCode;
}

/** What happens on the way that a person may want to know of, though it is no failure yet. */
export type RegistryNotice =
  | { readonly kind: 'retry'; readonly registry: string; readonly error: OciError; readonly delayMs: number }
  | { readonly kind: 'mirror-failed'; readonly registry: string; readonly error: OciError };

export interface TransportOptions {
  readonly wire: Wire;
  readonly policy: RetryPolicy;
  readonly authenticator: Authenticator;
  readonly onNotice: (notice: RegistryNotice) => void;
}

/** Where an operation is done, and until when. */
export interface Place {
  readonly transport: Transport;
  readonly endpoints: Endpoints;
  readonly signal: AbortSignal | undefined;
}

const REFUSAL_LIMIT = 64 << 10;
const UNREACHABLE: ReadonlySet<OciErrorCode> = new Set(['unreachable', 'host-not-found', 'tls', 'stalled']);
/** A mirror that does not answer must not hold up what the registry itself would give. */
const MIRROR_RETRIES = 1;

/** Requests to registries and their mirrors: logged in where it is wanted, and tried again where that may help. */
export class Transport {
  readonly #options: TransportOptions;
  /** Mirrors that could not be reached; they are not asked again. */
  readonly #unreachable = new Set<string>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Sends a call once, or twice if there is a login to be done in between. @throws OciError, TransientFailure */
  async send(endpoint: Endpoint, call: Call, signal: AbortSignal | undefined): Promise<Reply> {
    const { authenticator, wire } = this.#options;
    const access = call.access ?? 'pull';
    const url =
      call.path instanceof URL
        ? call.path
        : new URL(`${endpoint.origin}/v2/${endpoint.repository}/${call.path}`);
    const ours = url.origin === endpoint.origin;
    const request = { method: call.method, url, headers: call.headers ?? {}, body: call.body };
    let grant = ours ? authenticator.known(endpoint, access) : undefined;
    let reply = await send(wire, { ...request, authorization: grant?.authorization }, signal);
    if (reply.status === 401 && ours && reply.url.origin === endpoint.origin) {
      await reply.discard();
      grant = await authenticator.renew(
        endpoint,
        access,
        reply.headers.get('www-authenticate'),
        grant,
        signal,
      );
      reply = await send(wire, { ...request, authorization: grant.authorization }, signal);
    }
    if (call.accept.includes(reply.status)) return reply;
    throw await this.#failureOf(endpoint, call, reply, grant?.loggedIn ?? false);
  }

  /** Does work that sends calls to one endpoint until it succeeds or does not pass. */
  async retrying<T>(
    endpoint: Endpoint,
    options: { readonly signal?: AbortSignal | undefined; readonly progress?: () => number },
    work: () => Promise<T>,
  ): Promise<T> {
    const { policy, onNotice } = this.#options;
    const retries = endpoint.mirror ? Math.min(MIRROR_RETRIES, policy.retries) : policy.retries;
    const onRetry = (error: OciError, delayMs: number) =>
      onNotice({ kind: 'retry', registry: endpoint.registry, error, delayMs });
    return withRetries({ ...policy, retries }, { ...options, onRetry }, work);
  }

  /** A call with retries. */
  call(endpoint: Endpoint, call: Call, signal: AbortSignal | undefined): Promise<Reply> {
    return this.retrying(endpoint, { signal }, () => this.send(endpoint, call, signal));
  }

  /** Sends a call and reads its whole answer, with retries for both. @throws OciError `too-large`, ... */
  read(
    endpoint: Endpoint,
    call: Call,
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly reply: Reply; readonly bytes: Uint8Array }> {
    return this.retrying(endpoint, { signal }, async () => {
      const reply = await this.send(endpoint, call, signal);
      return { reply, bytes: await readBody(reply, limit, call.what) };
    });
  }

  /** Does the work at the first mirror that can, or else at the registry itself. */
  async anywhere<T>(
    endpoints: Endpoints,
    signal: AbortSignal | undefined,
    work: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    for (const mirror of endpoints.mirrors) {
      if (this.#unreachable.has(mirror.origin)) continue;
      try {
        return await work(mirror);
      } catch (cause) {
        signal?.throwIfAborted();
        if (!(cause instanceof OciError) || cause.code === 'no-space') throw cause;
        if (UNREACHABLE.has(cause.code)) this.#unreachable.add(mirror.origin);
        this.#options.onNotice({ kind: 'mirror-failed', registry: mirror.registry, error: cause });
      }
    }
    return work(endpoints.origin);
  }

  async #failureOf(endpoint: Endpoint, call: Call, reply: Reply, loggedIn: boolean): Promise<Error> {
    const { status } = reply;
    const refusal = parseRefusal(await this.#readRefusal(reply));
    const retryAfterMs = parseRetryAfter(reply.headers.get('retry-after'), this.#options.wire.clock.now());
    // Storage behind a redirect refuses by 403 when the signature in its address has run out: a new one is asked for.
    const elsewhere = reply.url.origin !== endpoint.origin;
    const registry = elsewhere ? `${endpoint.registry} (${reply.host})` : endpoint.registry;
    const { what, missing } = call;
    const error = refusalError({ what, registry, status, missing, loggedIn, retryAfterMs }, refusal);
    const passing = status === 408 || status === 429 || status >= 500 || (elsewhere && status === 403);
    return passing ? new TransientFailure(error, retryAfterMs) : error;
  }

  /** The words of a refusal are worth having, but no failure of their own. */
  async #readRefusal(reply: Reply): Promise<string> {
    try {
      return new TextDecoder().decode(await readBody(reply, REFUSAL_LIMIT, 'the refusal'));
    } catch (cause) {
      if (cause instanceof OciError || cause instanceof TransientFailure) return '';
      throw cause;
    }
  }
}
