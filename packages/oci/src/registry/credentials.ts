import type { Host } from '@cairn/host';
import { OciError } from '../error.ts';
import {
  type Credentials,
  type DockerConfig,
  loginFor,
  parseDockerConfig,
  parseHelperAnswer,
} from './docker-config.ts';

/** The login for a repository, or undefined to go as nobody. */
export type CredentialsProvider = (
  registry: string,
  repository: string,
  signal?: AbortSignal,
) => Promise<Credentials | undefined>;

const CONFIG_LIMIT = 1 << 20;
const HELPER_TIMEOUT_MS = 60_000;

/**
 * Logins as `docker login` and `skopeo login` leave them: `$DOCKER_CONFIG/config.json` or
 * `~/.docker/config.json`, then `$REGISTRY_AUTH_FILE`, `$XDG_RUNTIME_DIR/containers/auth.json` and
 * `~/.config/containers/auth.json`. The first file that knows the registry counts. Files are read when a
 * registry asks for a login, not before.
 */
export function dockerCredentials(
  host: Pick<Host, 'files' | 'programs' | 'environment'>,
): CredentialsProvider {
  return async (registry, repository, signal) => {
    for (const path of configPaths(host.environment)) {
      const text = await host.files.readText(path, CONFIG_LIMIT);
      if (text === undefined) continue;
      const found = await lookIn(host, parseDockerConfig(text, path), path, registry, repository, signal);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function configPaths(environment: Host['environment']): string[] {
  const { HOME, DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = environment;
  const docker = DOCKER_CONFIG ?? (HOME === undefined ? undefined : `${HOME}/.docker`);
  const config = XDG_CONFIG_HOME ?? (HOME === undefined ? undefined : `${HOME}/.config`);
  const paths = [
    docker === undefined ? undefined : `${docker}/config.json`,
    REGISTRY_AUTH_FILE,
    XDG_RUNTIME_DIR === undefined ? undefined : `${XDG_RUNTIME_DIR}/containers/auth.json`,
    config === undefined ? undefined : `${config}/containers/auth.json`,
  ];
  return paths.filter((path) => path !== undefined && path !== '') as string[];
}

async function lookIn(
  host: Pick<Host, 'programs' | 'environment'>,
  config: DockerConfig,
  path: string,
  registry: string,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const helper = config.helpers.get(registry) ?? config.store;
  const asked = helper === undefined ? undefined : await askHelper(host, helper, path, registry, signal);
  return asked ?? loginFor(config, registry, repository);
}

/** Runs `docker-credential-NAME get` (github.com/docker/docker-credential-helpers, README). */
async function askHelper(
  host: Pick<Host, 'programs' | 'environment'>,
  helper: string,
  path: string,
  registry: string,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const environment = Object.entries(host.environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const result = await host.programs
    .run([program, 'get'], {
      // Docker Hub is kept under the address of its old protocol.
      input: registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry,
      environment: Object.fromEntries(environment),
      timeoutMs: HELPER_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    })
    .catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new OciError('invalid-credentials', `${path} wants logins from ${program}, which cannot be run`, {
        hint: `install ${program}, or take credsStore and credHelpers out of ${path}`,
        cause,
      });
    });
  if (result.exitCode === 0) return parseHelperAnswer(result.stdout, program);
  if (/credentials not found/i.test(result.stdout)) return undefined;
  throw new OciError(
    'invalid-credentials',
    `${program} failed with exit code ${result.exitCode} when asked for the login of ${registry}`,
    { hint: `try it: echo ${registry} | ${program} get` },
  );
}
