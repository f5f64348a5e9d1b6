import { OciError } from '../error.ts';
import type { Endpoint } from './endpoint.ts';
import type { Call, Place } from './transport.ts';
import { type Reply, targetOf } from './wire.ts';

/** A whole answer: its head, and its body. */
export interface Page {
  readonly reply: Reply;
  readonly bytes: Uint8Array;
}

/** The most that one page of a list may have. */
const PAGE_LIMIT = 4 << 20;
/** No list is followed further: a registry could make up pages without end. */
const PAGES_LIMIT = 1000;

/** The pages of a list, one after another, as each names the next (distribution specification 1.1, "Listing Tags"). */
export async function* pagesOf(place: Place, endpoint: Endpoint, call: Call): AsyncGenerator<Page> {
  let path: string | URL | undefined = call.path;
  for (let count = 0; path !== undefined; count++) {
    if (count === PAGES_LIMIT) {
      throw new OciError(
        'protocol',
        `${endpoint.registry} has more than ${PAGES_LIMIT} pages of ${call.what}`,
      );
    }
    const page: Page = await place.transport.read(endpoint, { ...call, path }, PAGE_LIMIT, place.signal);
    yield page;
    path = nextPage(page.reply);
  }
}

/** The page after this one (RFC 8288); it must be at the same host, since the login goes with it. */
function nextPage(reply: Reply): URL | undefined {
  const match = /<([^<>]*)>\s*;[^<>]*\brel="?next"?/i.exec(reply.headers.get('link') ?? '');
  if (match?.[1] === undefined) return undefined;
  const target = targetOf(reply.url, match[1]);
  if (target.origin !== reply.url.origin) {
    throw new OciError('protocol', `${reply.host} says that its next page is at ${target.host}`);
  }
  return target;
}

export function parseJson({ reply, bytes }: Page, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new OciError('protocol', `${reply.host} sent ${what} not as JSON`);
  }
}
