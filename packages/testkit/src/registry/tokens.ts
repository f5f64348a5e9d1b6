import { randomBytes } from 'node:crypto';
import type { Exchange } from './exchange.ts';
import type { TestRegistryAuth } from './types.ts';

interface Token {
  readonly scopes: ReadonlySet<string>;
  /** In the time of performance.now(). */
  readonly expires: number;
}

const SERVICE = 'cairn-test';

/** Lets requests in: by nothing, by a password, or by tokens of the token server at `/token`. */
export class Gate {
  readonly #auth: TestRegistryAuth;
  readonly #url: () => string;
  readonly #tokens = new Map<string, Token>();

  constructor(auth: TestRegistryAuth, url: () => string) {
    this.#auth = auth;
    this.#url = url;
  }

  revoke(): void {
    this.#tokens.clear();
  }

  /** Answers with a challenge and gives false when the request may not go on. */
  async admit(exchange: Exchange, repository: string | undefined): Promise<boolean> {
    const auth = this.#auth;
    const given = exchange.header('authorization');
    if (auth.kind === 'none') return true;
    if (auth.kind === 'basic') {
      if (given === basic(auth.username, auth.password)) return true;
      exchange.setHeader('www-authenticate', 'Basic realm="cairn test", charset="UTF-8"');
      await exchange.error(401, 'UNAUTHORIZED', 'authentication required');
      return false;
    }
    const action = exchange.method === 'GET' || exchange.method === 'HEAD' ? 'pull' : 'push';
    const scope = repository === undefined ? undefined : `repository:${repository}:${action}`;
    if (exchange.fault?.kind !== 'stale-token' && this.#isGood(given, scope)) return true;
    const asked = action === 'pull' ? scope : `repository:${repository}:pull,push`;
    const asking = asked === undefined ? '' : `,scope="${asked}"`;
    const why = given === undefined ? '' : ',error="invalid_token"';
    exchange.setHeader(
      'www-authenticate',
      `Bearer realm="${this.#url()}/token",service="${SERVICE}"${asking}${why}`,
    );
    await exchange.error(401, 'UNAUTHORIZED', 'authentication required');
    return false;
  }

  #isGood(given: string | undefined, scope: string | undefined): boolean {
    const token = this.#tokens.get(given?.replace(/^Bearer /, '') ?? '');
    if (token === undefined || token.expires < performance.now()) return false;
    return scope === undefined || token.scopes.has(scope);
  }

  /** The token server: GET with a password or as nobody, POST with a refresh token. */
  async serveToken(exchange: Exchange): Promise<void> {
    const auth = this.#auth;
    if (auth.kind !== 'token') return exchange.error(404, 'UNSUPPORTED', 'there is no token server');
    const form =
      exchange.method === 'POST'
        ? new URLSearchParams(new TextDecoder().decode(await exchange.readBody()))
        : exchange.url.searchParams;
    const level = this.#levelOf(exchange, form);
    if (level === 'none') return exchange.error(401, 'UNAUTHORIZED', 'wrong user or password');
    const scopes = new Set<string>();
    for (const scope of form.getAll('scope').flatMap((text) => text.split(' '))) {
      const colon = scope.lastIndexOf(':');
      for (const action of scope.slice(colon + 1).split(',')) {
        if (action === 'pull' || level === 'user') scopes.add(`${scope.slice(0, colon)}:${action}`);
      }
    }
    const seconds = auth.expiresInSeconds ?? 300;
    const token = `test-token-${randomBytes(16).toString('hex')}`;
    this.#tokens.set(token, { scopes, expires: performance.now() + seconds * 1000 });
    await exchange.json(200, {
      [exchange.method === 'POST' ? 'access_token' : 'token']: token,
      expires_in: seconds,
    });
  }

  #levelOf(exchange: Exchange, form: URLSearchParams): 'user' | 'anonymous' | 'none' {
    const auth = this.#auth;
    if (auth.kind !== 'token') return 'none';
    if (exchange.method === 'POST') {
      const good = auth.identityToken !== undefined && form.get('refresh_token') === auth.identityToken;
      return good && form.get('service') === SERVICE ? 'user' : 'none';
    }
    const given = exchange.header('authorization');
    if (given === undefined) return auth.anonymousPull === true ? 'anonymous' : 'none';
    const known = auth.username !== undefined && auth.password !== undefined;
    return known && given === basic(auth.username, auth.password) ? 'user' : 'none';
  }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
