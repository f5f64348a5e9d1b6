import { z } from 'zod';
import { algorithmOf, type Digest, hexOf, isDigest } from '../digest.ts';
import { OciError } from '../error.ts';
import { OCI_INDEX } from '../media-types.ts';
import type { Endpoint } from './endpoint.ts';
import { MANIFEST_LIMIT, type ManifestDescriptor, mediaTypeOf } from './manifests.ts';
import { nextPage, PAGES_LIMIT, parseJson } from './page.ts';
import type { Call, Place } from './transport.ts';
import type { Reply } from './wire.ts';

/** A manifest that has another as its subject: a signature, an SBOM, a delta. */
export interface Referrer extends ManifestDescriptor {
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

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
): Promise<Referrer[]> {
  const all = await place.transport.anywhere(place.endpoints, place.signal, (endpoint) =>
    referrersFrom(place, endpoint, digest, artifactType),
  );
  return artifactType === undefined ? all : all.filter((referrer) => referrer.artifactType === artifactType);
}

async function referrersFrom(
  place: Place,
  endpoint: Endpoint,
  digest: Digest,
  artifactType: string | undefined,
): Promise<Referrer[]> {
  const found: Referrer[] = [];
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  let next: string | URL | undefined = `referrers/${digest}${query}`;
  for (let page = 0; next !== undefined && page < PAGES_LIMIT; page++) {
    const call: Call = { ...referrersCall(digest), path: next };
    const { reply, bytes } = await place.transport.read(endpoint, call, MANIFEST_LIMIT, place.signal);
    if (reply.status !== 200 || mediaTypeOf(reply) !== OCI_INDEX) {
      return (await referrersByTag(place, endpoint, digest))?.manifests ?? [];
    }
    found.push(...parseReferrers(reply, bytes).manifests);
    next = nextPage(reply);
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
  const call: Call = {
    ...referrersCall(digest),
    path: `manifests/${referrersTag(digest)}`,
    accept: [200, 404],
  };
  const { reply, bytes } = await place.transport.read(endpoint, call, MANIFEST_LIMIT, place.signal);
  return reply.status === 404 ? undefined : parseReferrers(reply, bytes);
}

export function referrersTag(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`;
}

function parseReferrers(reply: Reply, bytes: Uint8Array): z.infer<typeof REFERRERS_INDEX> {
  const parsed = REFERRERS_INDEX.safeParse(parseJson(reply, bytes, 'the referrers'));
  if (!parsed.success) throw new OciError('protocol', `${reply.host} sent a list of referrers that is none`);
  return parsed.data;
}
