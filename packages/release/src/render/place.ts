import { join } from 'node:path';
import type { Files } from '@cairn/host';
import { ReleaseError } from '../error.ts';
import { diskFileName, MEDIA_FORMATS } from '../media/names.ts';
import { parseRelease, RELEASE_FILES, RELEASE_LIMIT } from '../release/schema.ts';

/** All that a release folder may have in it. */
const KNOWN_FILES: ReadonlySet<string> = new Set([
  ...Object.values(RELEASE_FILES),
  ...MEDIA_FORMATS.map(diskFileName),
]);

/**
 * Whether a release may be put at a path: there is nothing, or an empty folder, or another release, which it is to
 * replace.
 *
 * @returns whether something is there to be replaced
 * @throws ReleaseError `output-exists` for everything else
 */
export async function checkPlace(files: Files, place: string): Promise<boolean> {
  const there = await files.lstat(place);
  if (there === undefined) return false;
  if (there.kind !== 'directory') throw refused(place, 'it is not a folder');
  const names = await files.list(place);
  if (names.length === 0) return true;
  const foreign = names.find((name) => !KNOWN_FILES.has(name));
  if (foreign !== undefined) throw refused(place, `it has ${foreign} in it`);
  const description = await files.read(join(place, RELEASE_FILES.description), RELEASE_LIMIT);
  if (description === undefined) throw refused(place, `it has no ${RELEASE_FILES.description}`);
  try {
    parseRelease(description);
  } catch (cause) {
    throw refused(place, 'its release.json is not understood', cause);
  }
  return true;
}

function refused(place: string, reason: string, cause?: unknown): ReleaseError {
  return new ReleaseError('output-exists', `${place} is there already and is not a release: ${reason}`, {
    hint: 'Only a release is replaced. Name another folder, or remove this one.',
    cause,
  });
}
