import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { cacheFolder } from '@cairn/host';
import {
  type BlobStore,
  createRegistry,
  dockerCredentials,
  type ImageDoors,
  imageRegistry,
  openBlobStore,
  proxyFetch,
  type Registry,
  type RegistryNotice,
} from '@cairn/oci';
import type { ImageOptions, Mirror } from '../options/image.ts';
import type { Session } from '../session.ts';
import { VERSION } from '../version.ts';

/** The ways to images, registries among them, until they are disposed of. */
export type OpenDoors = ImageDoors & AsyncDisposable;

/** Registries, and where what comes from them is kept, until they are disposed of. */
export interface OpenRegistry extends AsyncDisposable {
  readonly registry: Registry;
  readonly store: BlobStore;
}

/** @param storeFolder where blobs are kept; unless given, the cache, or with `--no-cache` a folder that goes with it */
export function openRegistry(
  session: Session,
  options: Omit<ImageOptions, 'platform'>,
  storeFolder?: string,
): OpenRegistry {
  const { host, report } = session;
  const { files, clock, environment } = host;
  const { plainHttp = [], mirror = [] } = options;
  const cache = cacheFolder(environment);
  const passing = join(cache, 'work', `.cairn-blobs-${randomUUID()}`);
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
    registry,
    store: openBlobStore(files, storeFolder ?? (options.cache ? cache : passing)),
    async [Symbol.asyncDispose]() {
      proxy[Symbol.dispose]();
      if (storeFolder === undefined && !options.cache) await files.remove(passing);
    },
  };
}

/**
 * @param workFolder where layers are unpacked to; that of the cache unless given
 */
export function openDoors(session: Session, options: ImageOptions, workFolder?: string): OpenDoors {
  const { files, programs, environment } = session.host;
  const work = workFolder ?? join(cacheFolder(environment), 'work');
  const passing = options.cache ? undefined : join(work, `.cairn-blobs-${randomUUID()}`);
  const { registry, store, ...opened } = openRegistry(session, options, passing);
  return {
    files,
    programs,
    registry: imageRegistry(registry, store),
    workFolder: work,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      if (passing !== undefined) await files.remove(passing);
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
