import { z } from 'zod';
import { OciError } from '../error.ts';

/** What a person logs in with. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token that the registry's token server takes (OAuth 2). */
  | { readonly kind: 'identity-token'; readonly token: string };

/** What Docker's `config.json` and the containers tools' `auth.json` say of logins. */
export interface DockerConfig {
  /** By registry, or registry and the beginning of a repository. */
  readonly logins: ReadonlyMap<string, Credentials>;
  /** By registry, the helper program `docker-credential-NAME`. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for all other registries. */
  readonly store: string | undefined;
}

const ENTRY = z.object({
  auth: z.string().optional(),
  identitytoken: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
});
const FILE = z.object({
  auths: z.record(z.string(), ENTRY.nullable()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});
const HELPER_ANSWER = z.object({ Username: z.string(), Secret: z.string() });
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** What helpers say in place of a name when the secret is an identity token (docker-credential-helpers). */
const TOKEN_USER = '<token>';

/**
 * Source: the Docker CLI's reference, "config.json properties", and containers-auth.json(5).
 *
 * @param path names the file in errors, which never hold anything of its content but registry names
 * @throws OciError `invalid-credentials`
 */
export function parseDockerConfig(text: string, path: string): DockerConfig {
  const parsed = FILE.safeParse(parseJson(text, path));
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw invalid(path, where === '' ? 'it is not an object' : `${where} is not of the right type`);
  }
  const { auths, credHelpers, credsStore } = parsed.data;
  const logins = new Map<string, Credentials>();
  for (const [key, entry] of Object.entries(auths ?? {})) {
    const credentials = entry === null ? undefined : credentialsOf(entry, key, path);
    if (credentials !== undefined) logins.set(registryOfKey(key), credentials);
  }
  const helpers = new Map<string, string>();
  for (const [key, helper] of Object.entries(credHelpers ?? {})) {
    helpers.set(registryOfKey(key), checkHelper(helper, path));
  }
  const store = credsStore === null || credsStore === undefined || credsStore === '' ? undefined : credsStore;
  return { logins, helpers, store: store === undefined ? undefined : checkHelper(store, path) };
}

/** The login for a repository: the entry with the longest beginning of its name, down to the registry alone. */
export function loginFor(
  config: DockerConfig,
  registry: string,
  repository: string,
): Credentials | undefined {
  for (let key = `${registry}/${repository}`; ; key = key.slice(0, key.lastIndexOf('/'))) {
    const login = config.logins.get(key);
    if (login !== undefined || key === registry) return login;
  }
}

/** What a credential helper printed. @throws OciError `invalid-credentials`, without what it printed */
export function parseHelperAnswer(text: string, helper: string): Credentials {
  const parsed = HELPER_ANSWER.safeParse(parseJson(text, helper));
  if (!parsed.success) throw invalid(helper, 'it printed no Username and Secret');
  const { Username: username, Secret: secret } = parsed.data;
  return username === TOKEN_USER
    ? { kind: 'identity-token', token: secret }
    : { kind: 'password', username, password: secret };
}

/** JSON.parse puts a piece of the text into its error; here that could be a password. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
}

function invalid(path: string, what: string): OciError {
  return new OciError('invalid-credentials', `cannot take logins from ${path}: ${what}`, {
    hint: `mend or remove ${path}; "docker login" or "skopeo login" writes a new one`,
  });
}

function checkHelper(name: string, path: string): string {
  if (HELPER_NAME.test(name)) return name;
  throw invalid(path, 'it names a credential helper that cannot be a program');
}

function credentialsOf(entry: z.infer<typeof ENTRY>, key: string, path: string): Credentials | undefined {
  if (entry.identitytoken !== undefined && entry.identitytoken !== '') {
    return { kind: 'identity-token', token: entry.identitytoken };
  }
  if (entry.auth === undefined || entry.auth === '') {
    const { username, password } = entry;
    return username === undefined || password === undefined
      ? undefined
      : { kind: 'password', username, password };
  }
  const decoded = BASE64.test(entry.auth) ? Buffer.from(entry.auth, 'base64').toString('utf8') : '';
  const colon = decoded.indexOf(':');
  if (colon < 1) throw invalid(path, `auth of ${key} is not NAME:PASSWORD in base64`);
  // Docker pads with NUL.
  const password = decoded.slice(colon + 1).replace(/\0+$/, '');
  return { kind: 'password', username: decoded.slice(0, colon), password };
}

/** Keys are registries, some with a scheme and a path of the old protocol: `https://index.docker.io/v1/`. */
function registryOfKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  return /^(?:index|registry-1)\.docker\.io$/.test(bare) ? 'docker.io' : bare;
}
