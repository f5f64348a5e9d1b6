import { algorithmOf, type BlobIdentity, type Digest, digestOf, isDigest } from '../digest.ts';
import { OciError } from '../error.ts';
import { DOCUMENT_TYPES } from '../media-types.ts';
import type { RegistryReference } from '../reference.ts';
import type { Endpoint } from './endpoint.ts';
import { someTags } from './tags.ts';
import type { Place } from './transport.ts';
import type { Reply } from './wire.ts';

export interface ManifestDescriptor extends BlobIdentity {
  readonly mediaType: string;
}

/** A manifest's bytes as they are in the registry, verified. */
export interface FetchedManifest extends ManifestDescriptor {
  readonly bytes: Uint8Array;
}

/** The most that a manifest may have, as the specification says registries should take ("Pushing Manifests"). */
export const MANIFEST_LIMIT = 4 << 20;
const TAGS_SHOWN = 10;

/** Digest, size and media type of what a reference names, without its bytes where the registry says them. */
export async function resolveManifest(
  place: Place,
  reference: RegistryReference,
): Promise<ManifestDescriptor> {
  const described = await place.transport.anywhere(place.endpoints, place.signal, async (endpoint) => {
    const call = { ...manifestCall(reference), method: 'HEAD', accept: [200, 400, 404, 405] } as const;
    const reply = await place.transport.call(endpoint, call, place.signal);
    await reply.discard();
    const descriptor = reply.status === 200 ? describedBy(reply) : undefined;
    // What a HEAD leaves unsaid, or why it failed, the GET says.
    if (descriptor === undefined) return fetchFrom(place, endpoint, reference);
    if (reference.digest !== undefined && descriptor.digest !== reference.digest) {
      throw wrongDigest(reference, descriptor.digest);
    }
    return descriptor;
  });
  return { digest: described.digest, size: described.size, mediaType: described.mediaType };
}

/** @throws OciError `name-unknown`, `tag-unknown` (with a hint at the tags there are), `digest-mismatch`, `too-large`, ... */
export async function fetchManifest(place: Place, reference: RegistryReference): Promise<FetchedManifest> {
  return place.transport.anywhere(place.endpoints, place.signal, (endpoint) =>
    fetchFrom(place, endpoint, reference),
  );
}

async function fetchFrom(
  place: Place,
  endpoint: Endpoint,
  reference: RegistryReference,
): Promise<FetchedManifest> {
  try {
    const call = manifestCall(reference);
    const { reply, bytes } = await place.transport.read(endpoint, call, MANIFEST_LIMIT, place.signal);
    return verified(reply, bytes, reference);
  } catch (cause) {
    const searchable =
      cause instanceof OciError && cause.code === 'tag-unknown' && reference.tag !== undefined;
    if (!searchable || endpoint.mirror) throw cause;
    throw await withKnownTags(place, endpoint, cause, reference.tag);
  }
}

function manifestCall(reference: RegistryReference) {
  const target = reference.digest ?? reference.tag ?? 'latest';
  return {
    method: 'GET',
    path: `manifests/${target}`,
    headers: { accept: DOCUMENT_TYPES.join(', ') },
    accept: [200],
    what: `${reference.repository}${reference.digest === undefined ? ':' : '@'}${target}`,
    missing: 'tag-unknown',
  } as const;
}

function describedBy(reply: Reply): ManifestDescriptor | undefined {
  const digest = reply.headers.get('docker-content-digest') ?? '';
  const size = Number(reply.headers.get('content-length') ?? Number.NaN);
  const mediaType = mediaTypeOf(reply);
  const said = isDigest(digest) && Number.isSafeInteger(size) && size > 0 && size <= MANIFEST_LIMIT;
  return said && mediaType !== '' ? { digest, size, mediaType } : undefined;
}

export function mediaTypeOf(reply: Reply): string {
  return (reply.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
}

function verified(reply: Reply, bytes: Uint8Array, reference: RegistryReference): FetchedManifest {
  const said = reply.headers.get('docker-content-digest') ?? '';
  for (const expected of [reference.digest, isDigest(said) ? said : undefined]) {
    if (expected === undefined) continue;
    const found = digestOf(bytes, algorithmOf(expected));
    if (found !== expected) throw wrongDigest({ ...reference, digest: expected }, found);
  }
  const digest = reference.digest ?? (isDigest(said) ? said : digestOf(bytes));
  return { digest, size: bytes.length, mediaType: mediaTypeOf(reply), bytes };
}

function wrongDigest(reference: RegistryReference, found: Digest): OciError {
  return new OciError(
    'digest-mismatch',
    `the manifest that ${reference.registry} sent for ${reference.repository} has the digest ${found}, not ${reference.digest}`,
    { hint: 'the registry, or something between it and here, changes what it sends' },
  );
}

/** The same error with the tags there are as its hint; without, if they cannot be listed. */
async function withKnownTags(
  place: Place,
  endpoint: Endpoint,
  error: OciError,
  wanted: string | undefined,
): Promise<OciError> {
  let tags: readonly string[];
  try {
    tags = await someTags(place, endpoint);
  } catch {
    place.signal?.throwIfAborted();
    return error;
  }
  if (tags.length === 0)
    return new OciError(error.code, error.message, { hint: 'it has no tags at all', cause: error });
  const shown = [...tags].sort((a, b) => likeness(b, wanted) - likeness(a, wanted)).slice(0, TAGS_SHOWN);
  const more = tags.length > shown.length ? ', ...' : '';
  return new OciError(error.code, error.message, {
    hint: `tags it has: ${shown.join(', ')}${more}`,
    cause: error,
  });
}

/** How many characters two tags begin with alike. */
function likeness(tag: string, wanted: string | undefined): number {
  let length = 0;
  while (length < tag.length && tag[length] === wanted?.[length]) length++;
  return length;
}
