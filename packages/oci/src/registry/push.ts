import { type ByteSource, chunksOf, memorySource } from '@cairn/bytes';
import { z } from 'zod';
import { type BlobIdentity, type Digest, digestOf, isDigest } from '../digest.ts';
import { OciError } from '../error.ts';
import { OCI_INDEX } from '../media-types.ts';
import type { Endpoint } from './endpoint.ts';
import type { ManifestDescriptor } from './manifests.ts';
import { referrersByTag, referrersTag } from './referrers.ts';
import type { Place } from './transport.ts';
import { targetOf, type WireRequest } from './wire.ts';

export interface PushedBlob {
  /** Bytes that went over the network: 0 if the registry had the blob, or mounted it from another repository. */
  readonly transferred: number;
}

const SUBJECT = z.object({
  artifactType: z.string().optional(),
  config: z.object({ mediaType: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  subject: z.object({ digest: z.string().refine(isDigest) }).optional(),
});

/**
 * Puts a blob into a repository, unless it is there: by a mount from `mountFrom`, a repository of the same
 * registry, or in one piece (distribution specification 1.1, "Pushing blobs").
 *
 * @throws OciError `size-mismatch`, `digest-mismatch` when `source` is not that blob; `denied`, ...
 */
export async function pushBlob(
  place: Place,
  blob: BlobIdentity,
  source: ByteSource,
  mountFrom?: string,
): Promise<PushedBlob> {
  if (source.size !== blob.size) {
    throw new OciError(
      'size-mismatch',
      `blob ${blob.digest} must have ${blob.size} bytes, here are ${source.size}`,
    );
  }
  const endpoint = place.endpoints.origin;
  return place.transport.retrying(endpoint, { signal: place.signal }, async () => {
    if (await isThere(place, endpoint, blob)) return { transferred: 0 };
    const location = await startUpload(place, endpoint, blob, mountFrom);
    if (location === undefined) return { transferred: 0 };
    const reply = await place.transport.send(
      endpoint,
      {
        method: 'PUT',
        path: location,
        headers: { 'content-type': 'application/octet-stream' },
        body: bodyOf(source),
        accept: [201],
        ...pushing(endpoint, `blob ${blob.digest}`),
      },
      place.signal,
    );
    await reply.discard();
    return { transferred: blob.size };
  });
}

function pushing(endpoint: Endpoint, what: string) {
  return {
    access: 'pull,push',
    what: `pushing ${what} to ${endpoint.repository}`,
    missing: 'name-unknown',
  } as const;
}

function bodyOf(source: ByteSource): NonNullable<WireRequest['body']> {
  return { size: source.size, chunks: (signal) => chunksOf(source, signal) };
}

async function isThere(place: Place, endpoint: Endpoint, blob: BlobIdentity): Promise<boolean> {
  const call = { method: 'HEAD', path: `blobs/${blob.digest}`, accept: [200, 404] } as const;
  const reply = await place.transport.send(
    endpoint,
    { ...call, ...pushing(endpoint, `blob ${blob.digest}`) },
    place.signal,
  );
  await reply.discard();
  return reply.status === 200;
}

/** Where the bytes are to be put; undefined if none are wanted since the blob was mounted. */
async function startUpload(
  place: Place,
  endpoint: Endpoint,
  blob: BlobIdentity,
  mountFrom: string | undefined,
): Promise<URL | undefined> {
  const mount =
    mountFrom === undefined
      ? ''
      : `?mount=${encodeURIComponent(blob.digest)}&from=${encodeURIComponent(mountFrom)}`;
  const reply = await place.transport.send(
    endpoint,
    {
      method: 'POST',
      path: `blobs/uploads/${mount}`,
      body: bodyOf(memorySource(new Uint8Array())),
      accept: [201, 202],
      ...pushing(endpoint, `blob ${blob.digest}`),
    },
    place.signal,
  );
  await reply.discard();
  if (reply.status === 201) return undefined;
  const location = targetOf(reply.url, reply.headers.get('location'));
  // What the registry put into the address is its own and is left as it is.
  location.search += `${location.search === '' ? '?' : '&'}digest=${encodeURIComponent(blob.digest)}`;
  return location;
}

/**
 * Puts a manifest under a tag, or under its digest alone. If it has a subject and the registry does not keep referrers, it is
 * added to the index that stands in for them ("Pushing Manifests with Subject").
 */
export async function pushManifest(
  place: Place,
  tag: string | undefined,
  bytes: Uint8Array,
  mediaType: string,
): Promise<ManifestDescriptor> {
  const endpoint = place.endpoints.origin;
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const subjectKept = await putManifest(place, endpoint, tag ?? descriptor.digest, bytes, mediaType);
  const fields = parseSubject(bytes);
  const subject = fields?.subject?.digest;
  if (subject !== undefined && !subjectKept) {
    const artifactType = fields?.artifactType ?? fields?.config?.mediaType;
    await addReferrer(place, endpoint, subject, {
      ...descriptor,
      artifactType,
      annotations: fields?.annotations,
    });
  }
  return descriptor;
}

/** Whether the registry said that it keeps the manifest as a referrer of its subject. */
async function putManifest(
  place: Place,
  endpoint: Endpoint,
  name: string,
  bytes: Uint8Array,
  mediaType: string,
): Promise<boolean> {
  const reply = await place.transport.call(
    endpoint,
    {
      method: 'PUT',
      path: `manifests/${name}`,
      headers: { 'content-type': mediaType },
      body: bodyOf(memorySource(bytes)),
      accept: [201],
      ...pushing(endpoint, `the manifest ${name}`),
    },
    place.signal,
  );
  await reply.discard();
  const said = reply.headers.get('docker-content-digest');
  if (said?.startsWith('sha256:') === true && said !== digestOf(bytes)) {
    throw new OciError(
      'digest-mismatch',
      `${endpoint.registry} stored the manifest ${name} as ${said}, not as it was sent`,
    );
  }
  return reply.headers.has('oci-subject');
}

function parseSubject(bytes: Uint8Array): z.infer<typeof SUBJECT> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new OciError('protocol', 'a manifest to be pushed is not JSON', { cause });
  }
  return SUBJECT.safeParse(json).data;
}

async function addReferrer(
  place: Place,
  endpoint: Endpoint,
  subject: Digest,
  referrer: ManifestDescriptor & {
    readonly artifactType: string | undefined;
    readonly annotations: Readonly<Record<string, string>> | undefined;
  },
): Promise<void> {
  const index = await referrersByTag(place, endpoint, subject);
  const others = index?.manifests ?? [];
  if (others.some((other) => other.digest === referrer.digest)) return;
  const whole = { schemaVersion: 2, mediaType: OCI_INDEX, ...index, manifests: [...others, referrer] };
  const bytes = new TextEncoder().encode(JSON.stringify(whole));
  await putManifest(place, endpoint, referrersTag(subject), bytes, OCI_INDEX);
}
