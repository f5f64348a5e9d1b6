import { type Contents, digestOfBytes, jsonBytes, OCI_INDEX } from './contents.ts';
import type { Exchange } from './exchange.ts';
import type { Gate } from './tokens.ts';
import type { TestRegistryOptions } from './types.ts';
import type { Uploads } from './uploads.ts';

/** What the routes answer from. */
export interface Service {
  readonly options: TestRegistryOptions;
  readonly contents: Contents;
  readonly uploads: Uploads;
  readonly gate: Gate;
  /** Where blobs are redirected to: scheme, host and port. */
  readonly storageUrl: () => string | undefined;
}

type Handler = (service: Service, exchange: Exchange, repository: string, rest: string) => Promise<void>;

/** The end points of the distribution specification 1.1, by what follows the repository's name. */
const ROUTES: readonly (readonly [RegExp, Handler])[] = [
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, serveManifest],
  [/^\/v2\/(.+)\/blobs\/uploads\/()$/, (service, exchange, name) => service.uploads.start(exchange, name)],
  [
    /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    (service, exchange, name, id) => service.uploads.serve(exchange, name, id),
  ],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, serveBlob],
  [/^\/v2\/(.+)\/tags\/(list)$/, serveTags],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, serveReferrers],
];

export async function serveRegistry(service: Service, exchange: Exchange): Promise<void> {
  if (await preempted(exchange)) return;
  if (exchange.path === '/token') return service.gate.serveToken(exchange);
  if (exchange.path === '/v2/' || exchange.path === '/v2') {
    if (await service.gate.admit(exchange, undefined)) await exchange.json(200, {});
    return;
  }
  for (const [pattern, handler] of ROUTES) {
    const [, repository, rest] = pattern.exec(exchange.path) ?? [];
    if (repository === undefined || rest === undefined) continue;
    if (await service.gate.admit(exchange, repository)) {
      await handler(service, exchange, repository, decodeURIComponent(rest));
    }
    return;
  }
  await exchange.error(404, 'UNSUPPORTED', 'there is no such end point');
}

/** Blobs behind a redirect. Like the storage of the large registries, it takes signed addresses and no Authorization. */
export async function serveStorage(service: Service, exchange: Exchange): Promise<void> {
  if (await preempted(exchange)) return;
  if (exchange.header('authorization') !== undefined) {
    return exchange.error(400, 'UNSUPPORTED', 'only one way to authenticate is allowed');
  }
  const blob = service.contents.blob(exchange.path.replace(/^\/storage\//, ''));
  if (blob === undefined) return exchange.error(404, 'BLOB_UNKNOWN', 'there is no such blob');
  await exchange.sendRanged(blob);
}

/** Whether a fault answered in place of the server. */
async function preempted(exchange: Exchange): Promise<boolean> {
  const { fault } = exchange;
  if (fault?.kind === 'status') {
    if (fault.retryAfter !== undefined) exchange.setHeader('retry-after', fault.retryAfter);
    await exchange.send(fault.status, new TextEncoder().encode(fault.body ?? ''));
    return true;
  }
  if (fault?.kind === 'redirect') {
    exchange.setHeader('location', fault.location);
    await exchange.send(307);
    return true;
  }
  if (fault?.kind === 'reset') exchange.reset();
  return fault?.kind === 'reset';
}

async function serveManifest(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: string,
): Promise<void> {
  if (exchange.method === 'PUT') return storeManifest(service, exchange, repository, reference);
  if (service.contents.repository(repository) === undefined) return unknownName(exchange);
  const manifest = service.contents.manifest(repository, reference);
  if (manifest === undefined) return exchange.error(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  exchange.setHeader('content-type', manifest.mediaType);
  exchange.setHeader('docker-content-digest', manifest.digest);
  await exchange.send(200, manifest.bytes);
}

async function storeManifest(
  service: Service,
  exchange: Exchange,
  repository: string,
  reference: string,
): Promise<void> {
  const bytes = await exchange.readBody();
  const byDigest = reference.includes(':');
  if (byDigest && digestOfBytes(bytes) !== reference) {
    return exchange.error(400, 'DIGEST_INVALID', 'the bytes have another digest');
  }
  const missing = service.contents.missingFrom(repository, bytes);
  if (missing.length > 0) {
    return exchange.error(404, 'MANIFEST_BLOB_UNKNOWN', `blob unknown: ${missing.join(', ')}`);
  }
  const mediaType = exchange.header('content-type') ?? 'application/octet-stream';
  const digest = service.contents.putManifest(repository, bytes, mediaType, byDigest ? undefined : reference);
  const { subject } = JSON.parse(new TextDecoder().decode(bytes)) as { subject?: { digest: string } };
  if (subject !== undefined && service.options.referrers !== false) {
    exchange.setHeader('oci-subject', subject.digest);
  }
  exchange.setHeader('location', `/v2/${repository}/manifests/${digest}`);
  exchange.setHeader('docker-content-digest', digest);
  await exchange.send(201);
}

async function serveBlob(
  service: Service,
  exchange: Exchange,
  repository: string,
  digest: string,
): Promise<void> {
  const blob = service.contents.blobIn(repository, digest);
  if (blob === undefined) return exchange.error(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
  const storage = service.storageUrl();
  if (storage !== undefined) {
    exchange.setHeader('location', `${storage}/storage/${digest}?signature=signed-secret`);
    return exchange.send(307);
  }
  exchange.setHeader('docker-content-digest', digest);
  exchange.setHeader('accept-ranges', 'bytes');
  exchange.setHeader('content-type', 'application/octet-stream');
  await exchange.sendRanged(blob);
}

async function serveTags(service: Service, exchange: Exchange, repository: string): Promise<void> {
  if (service.contents.repository(repository) === undefined) return unknownName(exchange);
  const query = exchange.url.searchParams;
  const last = query.get('last');
  const limit = Math.min(Number(query.get('n') ?? Infinity), service.options.pageSize ?? 100);
  const rest = service.contents.tags(repository).filter((tag) => last === null || tag > last);
  const tags = rest.slice(0, limit);
  if (rest.length > tags.length) {
    const next = `/v2/${repository}/tags/list?n=${limit}&last=${encodeURIComponent(tags.at(-1) ?? '')}`;
    exchange.setHeader('link', `<${next}>; rel="next"`);
  }
  await exchange.json(200, { name: repository, tags });
}

async function serveReferrers(
  service: Service,
  exchange: Exchange,
  repository: string,
  digest: string,
): Promise<void> {
  if (service.options.referrers === false) return exchange.error(404, 'UNSUPPORTED', 'not here');
  const start = Number(exchange.url.searchParams.get('start') ?? 0);
  const limit = service.options.pageSize ?? 100;
  const all = service.contents.referrers(repository, digest);
  if (all.length > start + limit) {
    exchange.setHeader('link', `<${exchange.path}?start=${start + limit}>; rel="next"`);
  }
  exchange.setHeader('content-type', OCI_INDEX);
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: all.slice(start, start + limit) };
  await exchange.send(200, jsonBytes(index));
}

async function unknownName(exchange: Exchange): Promise<void> {
  await exchange.error(404, 'NAME_UNKNOWN', 'repository name not known to registry');
}
