import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { type Certificate, makeCertificate } from './certificate.ts';
import { Contents, jsonBytes } from './contents.ts';
import { Exchange } from './exchange.ts';
import { type Service, serveRegistry, serveStorage } from './routes.ts';
import { Gate } from './tokens.ts';
import type { Fault, RecordedRequest, TestRegistry, TestRegistryOptions } from './types.ts';
import { Uploads } from './uploads.ts';

/** Starts a registry (OCI distribution specification 1.1) on a free port of 127.0.0.1. */
export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const certificate = options.tls === true ? await makeCertificate() : undefined;
  const scheme = certificate === undefined ? 'http' : 'https';
  const traffic = new Traffic();
  const contents = new Contents();
  let host = '';
  let storageHost: string | undefined;
  const gate = new Gate(options.auth ?? { kind: 'none' }, () => `${scheme}://${host}`);
  const service: Service = {
    options,
    contents,
    gate,
    uploads: new Uploads(contents),
    storageUrl: () => (storageHost === undefined ? undefined : `${scheme}://${storageHost}`),
  };
  const registry = await listen(certificate, traffic.listener('registry', service, serveRegistry));
  host = hostOf(registry);
  const servers = [registry];
  if (options.redirectBlobs === true) {
    const storage = await listen(certificate, traffic.listener('storage', service, serveStorage));
    storageHost = hostOf(storage);
    servers.push(storage);
  }
  async function close(): Promise<void> {
    const closing = servers.map((server) => promisify(server.close.bind(server))());
    for (const server of servers) server.closeAllConnections();
    await Promise.all(closing);
  }
  return {
    host,
    url: `${scheme}://${host}`,
    storageHost,
    certificate: certificate?.cert,
    get requests() {
      return traffic.requests;
    },
    forgetRequests: () => traffic.forget(),
    served: (path) => traffic.served(path),
    putBlob: (repository, bytes) => contents.putBlob(repository, bytes),
    putManifest: (repository, manifest, mediaType, tag) =>
      contents.putManifest(
        repository,
        manifest instanceof Uint8Array ? manifest : jsonBytes(manifest),
        mediaType,
        tag,
      ),
    putImage: (repository, tag, image) => contents.putImage(repository, tag, image),
    putLayout: (repository, folder) => contents.putLayout(repository, folder),
    blob: (digest) => contents.blob(digest),
    manifest: (repository, reference) => contents.manifest(repository, reference)?.bytes,
    tags: (repository) => contents.tags(repository),
    addFault: (fault) => traffic.addFault(fault),
    clearFaults: () => traffic.clearFaults(),
    revokeTokens: () => gate.revoke(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The requests that came, and the faults that wait for some. */
class Traffic {
  requests: RecordedRequest[] = [];
  #faults: { fault: Fault; left: number }[] = [];

  forget(): void {
    this.requests = [];
  }

  served(path = /(?:)/): { requests: number; bytes: number } {
    const matching = this.requests.filter((request) => path.test(request.path));
    return {
      requests: matching.length,
      bytes: matching.reduce((sum, request) => sum + request.bytesSent, 0),
    };
  }

  addFault(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  clearFaults(): void {
    this.#faults = [];
  }

  #takeFault(method: string, path: string): Fault | undefined {
    const met = this.#faults.find(
      ({ fault, left }) =>
        left > 0 && fault.path.test(path) && (fault.method === undefined || fault.method === method),
    );
    if (met === undefined) return undefined;
    met.left--;
    return met.fault;
  }

  listener(
    server: RecordedRequest['server'],
    service: Service,
    serve: (service: Service, exchange: Exchange) => Promise<void>,
  ): RequestListener {
    return (request, response) => {
      const path = new URL(request.url ?? '/', 'http://registry.invalid').pathname;
      const fault = this.#takeFault(request.method ?? 'GET', path);
      const exchange = new Exchange(request, response, fault);
      serve(service, exchange)
        // A client that leaves in the middle of its request is what many tests are about.
        .catch(() => exchange.reset())
        .finally(() => this.requests.push(exchange.record(server)));
    };
  }
}

async function listen(certificate: Certificate | undefined, listener: RequestListener): Promise<Server> {
  const server =
    certificate === undefined
      ? createHttpServer(listener)
      : createHttpsServer({ key: certificate.key, cert: certificate.cert }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
