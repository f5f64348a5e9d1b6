import { OciError } from '../error.ts';
import type { RegistryReference } from '../reference.ts';

/** Where the API for a repository is spoken to: a registry, or a mirror of it. */
export interface Endpoint {
  /** Host and port as logins know it: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The repository's name there: a mirror may put a folder before it. */
  readonly repository: string;
  readonly mirror: boolean;
}

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_API = 'registry-1.docker.io';
const MIRROR = /^([a-zA-Z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)((?:\/[a-z0-9._-]+)*)\/?$/;

/** Where a repository can be had: pulls try the mirrors in turn and then the registry itself, everything else goes to that alone. */
export interface Endpoints {
  readonly mirrors: readonly Endpoint[];
  readonly origin: Endpoint;
}

/** @throws OciError `invalid-reference` for a mirror that is not `HOST[:PORT][/FOLDER]` */
export function endpointsOf(
  reference: RegistryReference,
  mirrors: Readonly<Record<string, readonly string[]>>,
  plainHttp: readonly string[],
): Endpoints {
  const listed = Object.hasOwn(mirrors, reference.registry) ? (mirrors[reference.registry] ?? []) : [];
  const origin = endpoint(reference.registry, reference.repository, plainHttp, false);
  return { mirrors: listed.map((mirror) => mirrorEndpoint(mirror, reference.repository, plainHttp)), origin };
}

function endpoint(
  registry: string,
  repository: string,
  plainHttp: readonly string[],
  mirror: boolean,
): Endpoint {
  const host = registry === DOCKER_HUB ? DOCKER_HUB_API : registry;
  const scheme = plainHttp.includes(registry) ? 'http' : 'https';
  return { registry, origin: `${scheme}://${host}`, repository, mirror };
}

/** @param mirror `HOST[:PORT][/FOLDER]` */
function mirrorEndpoint(mirror: string, repository: string, plainHttp: readonly string[]): Endpoint {
  const [, registry, folder] = MIRROR.exec(mirror) ?? [];
  if (registry === undefined || folder === undefined) {
    throw new OciError('invalid-reference', `"${mirror}" is not a mirror`, {
      hint: 'write HOST, HOST:PORT or HOST/FOLDER, without a scheme',
    });
  }
  const name = folder === '' ? repository : `${folder.slice(1)}/${repository}`;
  return endpoint(registry, name, plainHttp, true);
}
