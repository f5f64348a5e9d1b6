import { sha256Hex } from '@cairn/bytes';
import { deriveUuid } from '@cairn/disk';
import { formatReference, type Reference } from '@cairn/oci';
import { ReleaseError } from '../error.ts';
import type { OsRelease } from '../facts/os-release.ts';
import { NameSchema, type ReleaseImage, VersionSchema } from './schema.ts';

/** An image that a tree was read from. */
export interface SourceImage {
  readonly reference: Reference;
  /** Of its manifest, or of the tree where there is none: `sha256:…`. */
  readonly digest: string;
  /** Of its configuration, as is `created`. */
  readonly labels: ReadonlyMap<string, string>;
  readonly created?: string | undefined;
}

const VERSION_LABEL = 'org.opencontainers.image.version';
const TITLE_LABEL = 'org.opencontainers.image.title';

/** What `release.json` says of an image. */
export function describeImage({
  reference,
  digest,
}: Pick<SourceImage, 'reference' | 'digest'>): ReleaseImage {
  return {
    source: reference.kind,
    ...(reference.kind === 'registry' ? { reference: formatReference(reference) } : {}),
    digest,
  };
}

/**
 * The version of a release: as asked, or the image's label, or made of `VERSION_ID` and the image's digest.
 *
 * @throws ReleaseError `bad-option` for one that cannot be a version; a label that cannot is passed over
 */
export function chooseVersion(
  image: SourceImage,
  { versionId }: OsRelease,
  asked: string | undefined,
): string {
  if (asked !== undefined) return checked(asked);
  const label = VersionSchema.safeParse(image.labels.get(VERSION_LABEL));
  if (label.success) return label.data;
  const digest = image.digest.slice(image.digest.indexOf(':') + 1).slice(0, 8);
  const dated = VersionSchema.safeParse(`${versionId}-${digest}`);
  return versionId !== undefined && dated.success ? dated.data : digest;
}

/** The name of a release: as asked, or the image's title, or the distribution's name. */
export function chooseName(image: SourceImage, osRelease: OsRelease, asked: string | undefined): string {
  for (const name of [asked, image.labels.get(TITLE_LABEL), osRelease.fields.get('NAME'), osRelease.id]) {
    const result = NameSchema.safeParse(name);
    if (result.success) return result.data;
    if (name !== undefined && name === asked) {
      throw new ReleaseError('bad-option', `a release cannot be named ${JSON.stringify(name)}`);
    }
  }
  return 'linux';
}

/**
 * The UUID of a release's root file system; all other ids of its media come from it. Made from all that a
 * release is made from, since a disk's ids should be another disk's only where all else is the same.
 */
export function chooseRootUuid(ingredients: readonly (string | number | undefined)[]): string {
  return deriveUuid(sha256Hex(JSON.stringify(ingredients)), 'root');
}

function checked(version: string): string {
  const result = VersionSchema.safeParse(version);
  if (result.success) return result.data;
  const reason = result.error.issues[0]?.message ?? 'is not understood';
  throw new ReleaseError(
    'bad-option',
    `a release cannot have the version ${JSON.stringify(version)}: it ${reason}`,
  );
}
