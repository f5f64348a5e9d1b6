import { setGlobalProxyFromEnv } from 'node:http';
import { OciError } from '../error.ts';

/** fetch as the environment wants it to reach the network. */
export interface ProxiedFetch extends Disposable {
  readonly fetch: typeof globalThis.fetch;
}

const NAMES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'] as const;

/**
 * fetch through the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. https goes through CONNECT, so that the proxy
 * sees no more of it than the host.
 *
 * Node has one setting for the whole process: this is for a program's start, and disposing of it puts back what was.
 *
 * @throws OciError `unreachable` when a proxy's address is none
 */
export function proxyFetch(environment: Readonly<Record<string, string | undefined>>): ProxiedFetch {
  const given = NAMES.flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const restore = useProxies(Object.fromEntries(given));
  return { fetch: globalThis.fetch, [Symbol.dispose]: restore };
}

function useProxies(environment: Record<string, string>): () => void {
  try {
    return setGlobalProxyFromEnv(environment);
  } catch {
    // Its own message would repeat the address, with the password in it.
    throw new OciError('unreachable', 'the address of the proxy is none', {
      hint: 'HTTPS_PROXY and HTTP_PROXY must be like http://HOST:PORT',
    });
  }
}
