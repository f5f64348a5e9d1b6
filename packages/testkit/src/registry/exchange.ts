import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { jsonBytes } from './contents.ts';
import type { Fault, RecordedRequest } from './types.ts';

const PIECE = 64 << 10;

interface Body {
  readonly bytes: Uint8Array;
  /** Says Content-Length; false only by a fault. */
  readonly announced: boolean;
}

/** One request and its answer: counts what is sent, and applies the fault that meets it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly fault: Fault | undefined;
  readonly #response: ServerResponse;
  /** Fulfilled, with false, when the connection is gone. */
  readonly #closed: Promise<false>;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) {
    this.request = request;
    this.#response = response;
    this.fault = fault;
    this.#closed = new Promise((resolve) => {
      response.once('close', () => resolve(false));
    });
    this.url = new URL(request.url ?? '/', 'http://registry.invalid');
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  get path(): string {
    return this.url.pathname;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  record(server: RecordedRequest['server']): RecordedRequest {
    const headers = Object.fromEntries(
      Object.keys(this.request.headers).map((name) => [name, this.header(name)]),
    );
    return {
      method: this.method,
      path: this.path,
      query: this.url.search.slice(1),
      server,
      headers,
      status: this.#response.headersSent ? this.#response.statusCode : 0,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
    };
  }

  setHeader(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  async readBody(): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      this.#bytesReceived += chunk.length;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async json(status: number, value: unknown): Promise<void> {
    this.setHeader('content-type', 'application/json');
    await this.send(status, jsonBytes(value));
  }

  async error(status: number, code: string, message: string): Promise<void> {
    await this.json(status, { errors: [{ code, message, detail: null }] });
  }

  /** Sends the body, or the part of it that a Range header asks for. */
  async sendRanged(bytes: Uint8Array): Promise<void> {
    if (this.fault?.kind === 'range-refused') {
      return this.error(416, 'RANGE_INVALID', 'not that range');
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(this.header('range') ?? '');
    if (range === null || this.fault?.kind === 'ignore-range') return this.send(200, bytes);
    const start = Number(range[1]) + (this.fault?.kind === 'wrong-range' ? this.fault.shift : 0);
    const end = Math.min(range[2] === '' ? bytes.length : Number(range[2]) + 1, bytes.length);
    if (start >= end) {
      this.setHeader('content-range', `bytes */${bytes.length}`);
      return this.error(416, 'RANGE_INVALID', 'not that range');
    }
    this.setHeader('content-range', `bytes ${start}-${end - 1}/${bytes.length}`);
    await this.send(206, bytes.subarray(start, end));
  }

  async send(status: number, bytes: Uint8Array = new Uint8Array()): Promise<void> {
    const body = this.#withFault(bytes);
    if (this.fault?.kind === 'header') this.setHeader(this.fault.name, this.fault.value);
    // A request whose body was not read would keep the connection from its next one.
    if (!this.request.complete) this.setHeader('connection', 'close');
    if (body.announced) this.setHeader('content-length', String(body.bytes.length));
    this.#response.writeHead(status);
    if (this.method === 'HEAD') {
      this.#response.end();
      return;
    }
    await this.#sendBody(body.bytes);
  }

  /** Ends the connection without an answer. */
  reset(): void {
    this.#response.socket?.destroy();
  }

  #withFault(bytes: Uint8Array): Body {
    const kind = this.fault?.kind;
    if (kind === 'wrong-bytes') {
      const changed = Uint8Array.from(bytes);
      const middle = bytes.length >> 1;
      changed[middle] = (changed[middle] ?? 0) ^ 1;
      return { bytes: changed, announced: true };
    }
    if (kind === 'extra-byte') {
      return { bytes: Buffer.concat([bytes, new Uint8Array(1)]), announced: false };
    }
    return { bytes, announced: kind !== 'no-length' };
  }

  async #sendBody(bytes: Uint8Array): Promise<void> {
    const { fault } = this;
    const piece = fault?.kind === 'slow' ? fault.pieceBytes : PIECE;
    const limit = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.afterBytes : bytes.length;
    const end = Math.min(bytes.length, limit);
    for (let position = 0; position < end && !this.#response.destroyed; position += piece) {
      if (fault?.kind === 'slow') await wait(fault.delayMs);
      const part = bytes.subarray(position, Math.min(end, position + piece));
      if (!(await this.#write(part))) return;
      this.#bytesSent += part.length;
    }
    if (fault?.kind === 'cut') {
      this.#response.socket?.end();
    } else if (fault?.kind === 'stall') {
      await this.#closed;
    } else {
      this.#response.end();
    }
  }

  /** Whether it went out: false when the client has left. */
  async #write(part: Uint8Array): Promise<boolean> {
    const sent = new Promise<boolean>((resolve) => {
      this.#response.write(part, (error) => resolve(error === undefined || error === null));
    });
    return Promise.race([sent, this.#closed]);
  }
}
