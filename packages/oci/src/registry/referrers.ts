import { z } from 'zod';
import { algorithmOf, type Digest, hexOf, isDigest } from '../digest.ts';
import { OciError } from '../error.ts';
import { OCI_INDEX } from '../media-types.ts';
import type { Endpoint } from './endpoint.ts';
import { MANIFEST_LIMIT, type ManifestDescriptor, mediaTypeOf } from './manifests.ts';
import { type Page, pagesOf, parseJson } from './page.ts';
import type { Call, Place } from './transport.ts';

/** A manifest that has another as its subject: a signature, an SBOM, a delta. */
export interface Referrer extends ManifestDescriptor {
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** More than any image has; each is to be looked at. */
const REFERRERS_LIMIT = 10_000;

const REFERRER = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest),
  size: z.number().int().nonnegative(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
/** An index of referrers; what else it holds is kept when it is written again. */
const REFERRERS_INDEX = z.looseObject({ manifests: z.array(REFERRER) });

/**
 * The manifests whose subject is `digest`: by the referrers API, or where there is none by the tag that stands in
 * for it (distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema").
 */
export async function listReferrers(
  place: Place,
  digest: Digest,
  artifactType?: string,
): Promise<readonly Referrer[]> {
  const all = await place.transport.anywhere(place.endpoints, place.signal, async (endpoint) => {
    const found = await referrersFrom(place, endpoint, digest, artifactType);
    // A mirror may have an image and not know of its signatures: only the registry can say that there are none.
    if (endpoint.mirror && found.length === 0) {
      throw new OciError('tag-unknown', `the mirror ${endpoint.registry} has no referrers of ${digest}`);
    }
    return found;
  });
  return artifactType === undefined ? all : all.filter((referrer) => referrer.artifactType === artifactType);
}

async function referrersFrom(
  place: Place,
  endpoint: Endpoint,
  digest: Digest,
  artifactType: string | undefined,
): Promise<readonly Referrer[]> {
  const found: Referrer[] = [];
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const call: Call = { ...referrersCall(digest), path: `referrers/${digest}${query}` };
  for await (const page of pagesOf(place, endpoint, call)) {
    if (page.reply.status !== 200 || mediaTypeOf(page.reply) !== OCI_INDEX) {
      return (await referrersByTag(place, endpoint, digest))?.manifests ?? [];
    }
    found.push(...parseReferrers(page).manifests);
    if (found.length > REFERRERS_LIMIT) {
      throw new OciError(
        'too-large',
        `${endpoint.registry} has more than ${REFERRERS_LIMIT} referrers of ${digest}`,
      );
    }
  }
  return found;
}

function referrersCall(digest: Digest) {
  return {
    method: 'GET',
    headers: { accept: OCI_INDEX },
    accept: [200, 400, 404, 405],
    what: `the referrers of ${digest}`,
    missing: 'tag-unknown',
  } as const;
}

/** The index under the tag `sha256-HEX`; undefined where there is none. */
export async function referrersByTag(
  place: Place,
  endpoint: Endpoint,
  digest: Digest,
): Promise<z.infer<typeof REFERRERS_INDEX> | undefined> {
  const path = `manifests/${referrersTag(digest)}`;
  const call: Call = { ...referrersCall(digest), path, accept: [200, 404] };
  const page = await place.transport.read(endpoint, call, MANIFEST_LIMIT, place.signal);
  return page.reply.status === 404 ? undefined : parseReferrers(page);
}

export function referrersTag(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`;
}

function parseReferrers(page: Page): z.infer<typeof REFERRERS_INDEX> {
  const parsed = REFERRERS_INDEX.safeParse(parseJson(page, 'the referrers'));
  if (!parsed.success)
    throw new OciError('protocol', `${page.reply.host} sent a list of referrers that is none`);
  return parsed.data;
}
