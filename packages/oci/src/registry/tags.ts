import { z } from 'zod';
import { OciError } from '../error.ts';
import type { Endpoint } from './endpoint.ts';
import { nextPage, PAGES_LIMIT, parseJson } from './page.ts';
import type { Place } from './transport.ts';

const TAGS_PAGE_LIMIT = 4 << 20;

const TAGS = z.object({ tags: z.array(z.string()).nullish() });
/** All tags of a repository, page after page, in the registry's order. */
export async function* listTags(place: Place): AsyncGenerator<string> {
  let next: string | URL | undefined = 'tags/list?n=1000';
  for (let page = 0; next !== undefined && page < PAGES_LIMIT; page++) {
    // Pages belong together, so that all are from one place; mirrors rarely know all tags.
    const answer: TagsPage = await tagsPage(place, place.endpoints.origin, next);
    yield* answer.tags;
    next = answer.next;
  }
}

export interface TagsPage {
  readonly tags: readonly string[];
  readonly next: URL | undefined;
}

export async function tagsPage(place: Place, endpoint: Endpoint, path: string | URL): Promise<TagsPage> {
  const what = `the tags of ${endpoint.repository}`;
  const call = { method: 'GET', path, accept: [200], what, missing: 'name-unknown' } as const;
  const { reply, bytes } = await place.transport.read(endpoint, call, TAGS_PAGE_LIMIT, place.signal);
  const parsed = TAGS.safeParse(parseJson(reply, bytes, what));
  if (!parsed.success) throw new OciError('protocol', `${reply.host} sent a list of tags that is none`);
  return { tags: parsed.data.tags ?? [], next: nextPage(reply) };
}
