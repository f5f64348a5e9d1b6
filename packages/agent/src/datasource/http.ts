import { AgentError } from '../error.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks a server that is only for this machine: by its address, without a proxy, without following where it leads. Throws AgentError
 * `datasource` where there is none, or for an answer over the limit.
 */
export type Http = (url: string, request: HttpRequest, signal: AbortSignal) => Promise<Answer>;

/** EC2 gives 16 KiB, Azure 64 KiB, GCP 256 KiB. */
export const ANSWER_LIMIT = 1 << 20;

export function realHttp(): Http {
  return async (url, { method = 'GET', headers = {} }, signal) => {
    let response: Response;
    try {
      response = await fetch(url, { method, headers, redirect: 'manual', signal });
    } catch (cause) {
      throw new AgentError('datasource', `${url}: ${reasonOf(cause)}`, { cause });
    }
    return { status: response.status, headers: response.headers, body: await bodyOf(url, response) };
  };
}

async function bodyOf(url: string, { body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size > ANSWER_LIMIT) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new AgentError('datasource', `${url}: ${reasonOf(cause)}`, { cause });
  }
  if (size > ANSWER_LIMIT)
    throw new AgentError('datasource', `${url} answers with more than ${ANSWER_LIMIT} bytes`);
  return Buffer.concat(chunks);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === 'TimeoutError') return 'it did not answer in time';
  return cause.cause instanceof Error && cause.cause.message !== '' ? cause.cause.message : cause.message;
}
