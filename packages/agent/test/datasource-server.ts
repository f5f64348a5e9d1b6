import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Http, realHttp } from '../src/datasource/http.ts';

/** A server that stands at every address: what is asked for at its real one goes there, by HTTP, with the host's name kept. */
export interface MetadataServer extends AsyncDisposable {
  readonly http: Http;
  /** `PUT http://169.254.169.254/latest/api/token`, in order. */
  readonly asked: readonly string[];
}

export type Handler = (request: IncomingMessage, url: URL) => ServerAnswer | 'silence';

export interface ServerAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const ORIGIN = 'x-test-origin';

export async function metadataServer(handler: Handler): Promise<MetadataServer> {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', String(request.headers[ORIGIN]));
    asked.push(`${request.method} ${url.href}`);
    const answer = handler(request, url);
    if (answer === 'silence') return;
    response.writeHead(answer.status ?? 200, { ...answer.headers }).end(answer.body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const real = realHttp();
  return {
    asked,
    http: (text, request, signal) => {
      const url = new URL(text);
      const here = `http://127.0.0.1:${port}${url.pathname}${url.search}`;
      return real(here, { ...request, headers: { ...request.headers, [ORIGIN]: url.origin } }, signal);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers by URL; what is not among them is 404. */
export function answers(table: Readonly<Record<string, ServerAnswer | string>>): Handler {
  return ({ method }, url) => {
    const answer = table[`${method} ${url.href}`] ?? table[url.href];
    return typeof answer === 'string' ? { body: answer } : (answer ?? { status: 404, body: 'not found' });
  };
}
