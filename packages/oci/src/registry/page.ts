import { OciError } from '../error.ts';
import { type Reply, targetOf } from './wire.ts';

/** No list is followed further: a registry could make up pages without end. */
export const PAGES_LIMIT = 10_000;

/** The page after this one (RFC 8288); it must be at the same host, since the login goes with it. */
export function nextPage(reply: Reply): URL | undefined {
  const match = /<([^<>]*)>\s*;[^<>]*\brel="?next"?/i.exec(reply.headers.get('link') ?? '');
  if (match?.[1] === undefined) return undefined;
  const target = targetOf(reply.url, match[1]);
  if (target.origin !== reply.url.origin) {
    throw new OciError('protocol', `${reply.host} says that its next page is at ${target.host}`);
  }
  return target.href === reply.url.href ? undefined : target;
}

export function parseJson(reply: Reply, bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new OciError('protocol', `${reply.host} sent ${what} not as JSON`);
  }
}
