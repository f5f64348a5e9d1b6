import { join } from 'node:path';
import type { Files } from '@cairn/host';
import { ReleaseError } from '../error.ts';
import { parseRelease, RELEASE_FILES, RELEASE_LIMIT, type Release } from './schema.ts';

/** Reads a release folder's description, and checks that its files are there with their sizes. Throws `bad-release`. */
export async function loadRelease(files: Files, folder: string): Promise<Release> {
  const bytes = await files.read(join(folder, RELEASE_FILES.description), RELEASE_LIMIT);
  if (bytes === undefined) {
    throw new ReleaseError(
      'bad-release',
      `${folder} is not a release: it has no ${RELEASE_FILES.description}`,
      {
        hint: 'Make one: `cairn build IMAGE -o DIR`.',
      },
    );
  }
  const release = parseRelease(bytes);
  for (const { file, size } of [release.root, release.uki, release.sbom]) {
    const found = await files.stat(join(folder, file));
    if (found?.kind === 'file' && found.size === size) continue;
    const fault = found === undefined ? 'is not there' : `has ${found.size} bytes instead of ${size}`;
    throw new ReleaseError('bad-release', `${join(folder, file)} ${fault}`, {
      hint: 'Render the release again.',
    });
  }
  return release;
}
