import { z } from 'zod';
import { OciError } from '../error.ts';
import type { Endpoint } from './endpoint.ts';
import { pagesOf, parseJson } from './page.ts';
import type { Place } from './transport.ts';

const TAGS = z.object({ tags: z.array(z.string()).nullish() });

/** All tags of a repository, in the registry's order. Mirrors are not asked: they rarely know all. */
export async function* listTags(place: Place): AsyncGenerator<string> {
  for await (const tags of tagPages(place, place.endpoints.origin)) yield* tags;
}

/** The first page of tags: up to a thousand. */
export async function someTags(place: Place, endpoint: Endpoint): Promise<readonly string[]> {
  for await (const tags of tagPages(place, endpoint)) return tags;
  return [];
}

async function* tagPages(place: Place, endpoint: Endpoint): AsyncGenerator<readonly string[]> {
  const what = `the tags of ${endpoint.repository}`;
  const call = {
    method: 'GET',
    path: 'tags/list?n=1000',
    accept: [200],
    what,
    missing: 'name-unknown',
  } as const;
  for await (const page of pagesOf(place, endpoint, call)) {
    const parsed = TAGS.safeParse(parseJson(page, what));
    if (!parsed.success)
      throw new OciError('protocol', `${page.reply.host} sent a list of tags that is none`);
    yield parsed.data.tags ?? [];
  }
}
