import { type ByteSource, readAll } from '@cairn/bytes';
import { DiskError, type IsoVolume, openIso } from '@cairn/disk';
import { ReleaseError } from '../error.ts';
import { parseRelease, RELEASE_FILES, RELEASE_LIMIT, type Release } from '../release/schema.ts';
import { CONFIG_LIMIT, LIVE } from './live.ts';

/** What a live medium carries. Root and UKI are read when they are wanted, and have yet to be verified. */
export interface LiveRelease {
  readonly release: Release;
  readonly root: ByteSource;
  readonly uki: ByteSource;
  /** `config.yaml`; undefined where the medium was made without. */
  readonly config: Uint8Array | undefined;
}

/**
 * Opens the release on a live medium: a device or an ISO file. It is read without a mount.
 *
 * @throws ReleaseError `bad-release` for what is no medium of Cairn's, or lacks a part of it
 */
export async function openLive(medium: ByteSource, signal?: AbortSignal): Promise<LiveRelease> {
  const options = signal === undefined ? {} : { signal };
  try {
    const volume = await openIso(medium, options);
    if (volume.volumeId !== LIVE.volumeId) {
      throw new ReleaseError('bad-release', `this ISO is "${volume.volumeId}", not "${LIVE.volumeId}"`);
    }
    const description = await open(volume, RELEASE_FILES.description, signal);
    if (description.size > RELEASE_LIMIT) throw notWhole(RELEASE_FILES.description, description.size);
    const release = parseRelease(await readAll(description, RELEASE_LIMIT, signal));
    const root = await open(volume, release.root.file, signal);
    const uki = await open(volume, release.uki.file, signal);
    if (root.size !== release.root.size) throw notWhole(release.root.file, root.size);
    if (uki.size !== release.uki.size) throw notWhole(release.uki.file, uki.size);
    return { release, root, uki, config: await readConfig(volume, signal) };
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    throw new ReleaseError('bad-release', `this is no live medium of Cairn's: ${cause.message}`, { cause });
  }
}

async function readConfig(volume: IsoVolume, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  if ((await volume.stat(`${LIVE.folder}/${LIVE.config}`)) === undefined) return undefined;
  const config = await open(volume, LIVE.config, signal);
  if (config.size > CONFIG_LIMIT) throw notWhole(LIVE.config, config.size);
  return readAll(config, CONFIG_LIMIT, signal);
}

function open(volume: IsoVolume, name: string, signal?: AbortSignal): Promise<ByteSource> {
  return volume.open(`${LIVE.folder}/${name}`, signal === undefined ? {} : { signal });
}

function notWhole(name: string, size: number): ReleaseError {
  return new ReleaseError('bad-release', `the medium's ${name} cannot have ${size} bytes`, {
    hint: 'It was changed or damaged. Write the medium again.',
  });
}
