import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { cacheFolder } from '@cairn/host';
import {
  createRegistry,
  dockerCredentials,
  type ImageDoors,
  imageRegistry,
  openBlobStore,
  proxyFetch,
  type RegistryNotice,
} from '@cairn/oci';
import type { ImageOptions, Mirror } from '../options/image.ts';
import type { Session } from '../session.ts';
import { VERSION } from '../version.ts';

/** The ways to images, registries among them, until they are disposed of. */
export type OpenDoors = ImageDoors & AsyncDisposable;

/**
 * @param workFolder where layers are unpacked to; that of the cache unless given
 */
export function openDoors(session: Session, options: ImageOptions, workFolder?: string): OpenDoors {
  const { host, report } = session;
  const { files, programs, clock, environment } = host;
  const { plainHttp = [], mirror = [] } = options;
  const cache = cacheFolder(environment);
  const work = workFolder ?? join(cache, 'work');
  const passing = join(work, `.cairn-blobs-${randomUUID()}`);
  const proxy = proxyFetch(environment);
  const registry = createRegistry({
    fetch: proxy.fetch,
    clock,
    credentials: dockerCredentials(host),
    mirrors: mirrorsByRegistry(mirror),
    plainHttp: [...plainHttp, ...plainMirrors(mirror)],
    userAgent: `cairn/${VERSION}`,
    onNotice: (notice) => report.warning(noticeText(notice)),
  });
  return {
    files,
    programs,
    registry: imageRegistry(registry, openBlobStore(files, options.cache ? cache : passing)),
    workFolder: work,
    async [Symbol.asyncDispose]() {
      proxy[Symbol.dispose]();
      if (!options.cache) await files.remove(passing);
    },
  };
}

function mirrorsByRegistry(mirrors: readonly Mirror[]): Readonly<Record<string, readonly string[]>> {
  const names = new Set(mirrors.map(({ registry }) => registry));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      mirrors.filter(({ registry }) => registry === name).map(({ address }) => address),
    ]),
  );
}

/** Plain http is a matter of the host: a mirror's folder is no part of it. */
function plainMirrors(mirrors: readonly Mirror[]): string[] {
  return mirrors.flatMap(({ address, plainHttp }) => (plainHttp ? (address.split('/')[0] ?? []) : []));
}

function noticeText(notice: RegistryNotice): string {
  const { registry, error } = notice;
  if (notice.kind === 'mirror-failed') return `the mirror ${registry} is passed over: ${error.message}`;
  return `${error.message}; tried again in ${(notice.delayMs / 1000).toFixed(1)} s`;
}
