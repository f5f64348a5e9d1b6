import { randomUUID } from 'node:crypto';
import { type Contents, digestOfBytes } from './contents.ts';
import type { Exchange } from './exchange.ts';

/** Uploads under way (distribution specification, "Pushing blobs"): in one go, by POST and PUT, in chunks, or mounted. */
export class Uploads {
  readonly #contents: Contents;
  readonly #sessions = new Map<string, Uint8Array[]>();

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  async start(exchange: Exchange, repository: string): Promise<void> {
    const query = exchange.url.searchParams;
    const mount = query.get('mount');
    const from = query.get('from');
    if (mount !== null && from !== null && this.#contents.mount(repository, mount, from)) {
      exchange.setHeader('location', `/v2/${repository}/blobs/${mount}`);
      return exchange.send(201);
    }
    const digest = query.get('digest');
    const body = await exchange.readBody();
    if (digest !== null) return this.#finish(exchange, repository, digest, [body]);
    const id = randomUUID();
    this.#sessions.set(id, []);
    exchange.setHeader('location', `/v2/${repository}/blobs/uploads/${id}?state=opaque`);
    exchange.setHeader('range', '0-0');
    await exchange.send(202);
  }

  async serve(exchange: Exchange, repository: string, id: string): Promise<void> {
    const parts = this.#sessions.get(id);
    if (parts === undefined) return exchange.error(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
    switch (exchange.method) {
      case 'PATCH': {
        const body = await exchange.readBody();
        const held = sizeOf(parts);
        const start = /^(\d+)-/.exec(exchange.header('content-range') ?? '')?.[1];
        if (start !== undefined && Number(start) !== held) {
          exchange.setHeader('range', `0-${Math.max(0, held - 1)}`);
          return exchange.error(416, 'BLOB_UPLOAD_INVALID', 'the chunk does not follow the last one');
        }
        parts.push(body);
        exchange.setHeader('location', `/v2/${repository}/blobs/uploads/${id}?state=opaque`);
        exchange.setHeader('range', `0-${Math.max(0, sizeOf(parts) - 1)}`);
        return exchange.send(202);
      }
      case 'PUT': {
        parts.push(await exchange.readBody());
        this.#sessions.delete(id);
        return this.#finish(exchange, repository, exchange.url.searchParams.get('digest') ?? '', parts);
      }
      case 'GET':
        exchange.setHeader('location', `/v2/${repository}/blobs/uploads/${id}?state=opaque`);
        exchange.setHeader('range', `0-${Math.max(0, sizeOf(parts) - 1)}`);
        return exchange.send(204);
      case 'DELETE':
        this.#sessions.delete(id);
        return exchange.send(204);
      default:
        return exchange.error(405, 'UNSUPPORTED', 'not for uploads');
    }
  }

  async #finish(
    exchange: Exchange,
    repository: string,
    digest: string,
    parts: readonly Uint8Array[],
  ): Promise<void> {
    const bytes = Buffer.concat(parts);
    const algorithm = digest.startsWith('sha512:') ? 'sha512' : 'sha256';
    if (digestOfBytes(bytes, algorithm) !== digest) {
      return exchange.error(400, 'DIGEST_INVALID', 'the bytes have another digest');
    }
    this.#contents.putBlob(repository, bytes, algorithm);
    exchange.setHeader('location', `/v2/${repository}/blobs/${digest}`);
    exchange.setHeader('docker-content-digest', digest);
    await exchange.send(201);
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
