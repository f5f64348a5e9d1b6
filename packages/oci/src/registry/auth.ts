import { z } from 'zod';
import { OciError } from '../error.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { CredentialsProvider } from './credentials.ts';
import type { Credentials } from './docker-config.ts';
import type { Endpoint } from './endpoint.ts';
import { refusalError, TransientFailure } from './failure.ts';
import { parseRetryAfter } from './retry.ts';
import { type Reply, readBody, send, type Wire } from './wire.ts';

export type Access = 'pull' | 'pull,push';

/** An Authorization that a registry takes for one repository. */
interface Grant {
  readonly authorization: string;
  readonly loggedIn: boolean;
  /** In the time of `clock.monotonic()`. */
  readonly expires: number;
}

const TOKEN_ANSWER = z.object({
  token: z.string().min(1).optional(),
  access_token: z.string().min(1).optional(),
  expires_in: z.number().optional(),
});
const TOKEN_ANSWER_LIMIT = 1 << 20;
/** What a token is good for where the server does not say (token specification of the distribution project). */
const DEFAULT_LIFE_S = 60;
/** An access token is used no longer than this part of its life. */
const USED_LIFE = 0.9;
/** What may be put into a header (RFC 6750, section 2.1). */
const TOKEN = /^[\x21-\x7e]+$/;
const CLIENT_ID = 'cairn';

/**
 * Answers the challenges of registries: Basic, and Bearer by the token server that the challenge names
 * (docs of the distribution project: "Token Authentication Specification", "OAuth2 Token Authentication").
 * Tokens are kept by host, repository and access, for as long as they are good.
 */
export class Authenticator {
  readonly #wire: Wire;
  readonly #credentials: CredentialsProvider;
  readonly #grants = new Map<string, Grant>();
  /** The end of the line of those who want a token for the same key: one asks, the others find it. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(wire: Wire, credentials: CredentialsProvider) {
    this.#wire = wire;
    this.#credentials = credentials;
  }

  /** What is known to be taken; undefined before the first challenge, and once a token is too old. */
  known(endpoint: Endpoint, access: Access): Grant | undefined {
    const grant = this.#grants.get(keyOf(endpoint, access));
    return grant !== undefined && grant.expires > this.#wire.clock.monotonic() ? grant : undefined;
  }

  /**
   * A new grant after a request with `refused` was answered by 401.
   *
   * @throws OciError `denied`, `protocol`, `invalid-credentials`; TransientFailure
   */
  async renew(
    endpoint: Endpoint,
    access: Access,
    header: string | null,
    refused: Grant | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    const key = keyOf(endpoint, access);
    const before = this.#queues.get(key) ?? Promise.resolve();
    const turn = before.then(async () => {
      signal?.throwIfAborted();
      const known = this.known(endpoint, access);
      if (known !== undefined && known !== refused) return known;
      const grant = await this.#ask(endpoint, access, header, signal);
      this.#grants.set(key, grant);
      return grant;
    });
    this.#queues.set(
      key,
      turn.then(
        () => undefined,
        () => undefined,
      ),
    );
    return turn;
  }

  async #ask(
    endpoint: Endpoint,
    access: Access,
    header: string | null,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    const challenges = parseChallenges(header ?? '');
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
    const login = await this.#credentials(endpoint.registry, endpoint.repository, signal);
    if (bearer !== undefined) return this.#fetchToken(endpoint, access, bearer, login, signal);
    if (!challenges.some((challenge) => challenge.scheme === 'basic')) {
      const offered = challenges.map((challenge) => challenge.scheme).join(', ') || 'none';
      throw new OciError(
        'protocol',
        `${endpoint.registry} wants a login but offers no way we know (${offered})`,
      );
    }
    if (login?.kind !== 'password') {
      throw new OciError('denied', `${endpoint.registry} wants a name and a password`, {
        hint: `log in first: docker login ${endpoint.registry}`,
      });
    }
    return { authorization: basic(login), loggedIn: true, expires: Infinity };
  }

  async #fetchToken(
    endpoint: Endpoint,
    access: Access,
    challenge: Challenge,
    login: Credentials | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    const realm = realmOf(endpoint, challenge);
    const form = new URLSearchParams();
    const service = challenge.parameters.get('service');
    if (service !== undefined) form.set('service', service);
    const ours = `repository:${endpoint.repository}:${access}`;
    // To look whether a blob is there before it is pushed, a registry asks for less than the push will need.
    form.set('scope', access === 'pull' ? (challenge.parameters.get('scope') ?? ours) : ours);
    const asked = this.#wire.clock.monotonic();
    const reply = await this.#sendTokenRequest(realm, form, login, signal);
    if (reply.status !== 200) throw await this.#tokenFailure(endpoint, reply, login !== undefined);
    const answer = parseTokenAnswer(await readBody(reply, TOKEN_ANSWER_LIMIT, 'the token'), realm);
    const life = Math.max(0, answer.seconds) * 1000 * USED_LIFE;
    return {
      authorization: `Bearer ${answer.token}`,
      loggedIn: login !== undefined,
      expires: asked + life,
    };
  }

  #sendTokenRequest(
    realm: URL,
    form: URLSearchParams,
    login: Credentials | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    if (login?.kind === 'identity-token') {
      form.set('grant_type', 'refresh_token');
      form.set('client_id', CLIENT_ID);
      form.set('refresh_token', login.token);
      const bytes = new TextEncoder().encode(form.toString());
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const body = { size: bytes.length, chunks: () => once(bytes) };
      return send(
        this.#wire,
        { method: 'POST', url: realm, headers, authorization: undefined, body },
        signal,
      );
    }
    const url = new URL(realm);
    for (const [name, value] of form) url.searchParams.append(name, value);
    const authorization = login === undefined ? undefined : basic(login);
    return send(this.#wire, { method: 'GET', url, headers: {}, authorization }, signal);
  }

  async #tokenFailure(endpoint: Endpoint, reply: Reply, loggedIn: boolean): Promise<Error> {
    await reply.discard();
    const { status } = reply;
    const retryAfterMs = parseRetryAfter(reply.headers.get('retry-after'), this.#wire.clock.now());
    // The token server's own words are left out: it was sent a secret.
    const error = refusalError(
      {
        what: `${endpoint.repository} (asking ${reply.host} for a token)`,
        registry: endpoint.registry,
        status: status === 400 ? 401 : status,
        missing: 'protocol',
        loggedIn,
        retryAfterMs,
      },
      { code: '', message: '' },
    );
    const passing = status === 408 || status === 429 || status >= 500;
    return passing ? new TransientFailure(error, retryAfterMs) : error;
  }
}

function keyOf(endpoint: Endpoint, access: Access): string {
  return `${endpoint.origin} ${endpoint.repository} ${access}`;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function basic(login: Extract<Credentials, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${login.username}:${login.password}`, 'utf8').toString('base64')}`;
}

/** The token server's address. It gets passwords, so that plain http is for registries only that are spoken to so themselves. */
function realmOf(endpoint: Endpoint, challenge: Challenge): URL {
  const realm = URL.parse(challenge.parameters.get('realm') ?? '');
  if (realm === null || !/^https?:$/.test(realm.protocol) || realm.username !== '' || realm.password !== '') {
    throw new OciError('protocol', `${endpoint.registry} names a token server whose address is none`);
  }
  if (realm.protocol === 'http:' && !endpoint.origin.startsWith('http:')) {
    throw new OciError(
      'protocol',
      `${endpoint.registry} wants the login sent by plain http to ${realm.host}, which is not safe`,
    );
  }
  return realm;
}

function parseTokenAnswer(bytes: Uint8Array, realm: URL): { token: string; seconds: number } {
  const malformed = new OciError('protocol', `the token server ${realm.host} answered without a token`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw malformed;
  }
  const answer = TOKEN_ANSWER.safeParse(json).data;
  const token = answer?.token ?? answer?.access_token;
  if (token === undefined || !TOKEN.test(token)) throw malformed;
  return { token, seconds: answer?.expires_in ?? DEFAULT_LIFE_S };
}
