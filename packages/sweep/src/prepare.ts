import { type ByteSource, chunksOf, sha256OfStream } from '@cairn/bytes';
import { DiskError } from '@cairn/disk';
import { Compiler, type DiskEvent } from './disk/compile.ts';
import { knownFile } from './disk/known.ts';
import { planWatched, type Watched } from './disk/layout.ts';
import type { DiskModel } from './disk/model.ts';
import { checkTopBlock, loaderOf, type SweepRelease } from './disk/release.ts';
import { SectorStore } from './disk/store.ts';
import { SweepError } from './error.ts';
import { type Firmware, Judge } from './judge.ts';
import { type Epoch, splitEpochs } from './states/epoch.ts';

export interface SweepInput {
  /** The disk before the first entry of the log, raw, with the size that the guest saw. */
  readonly base: ByteSource;
  readonly log: ByteSource;
  /** All that may boot: named `old` and `new`, and any others. At most 8. */
  readonly releases: readonly SweepRelease[];
  /** Boot loaders besides those that the releases bring. */
  readonly loaders?: readonly ByteSource[];
  /** `both` unless given. */
  readonly firmware?: Firmware;
}

/** All that a sweep works on; `model` is the disk before the log. */
export interface Prepared {
  readonly watched: Watched;
  readonly model: DiskModel;
  readonly judge: Judge;
  readonly events: readonly DiskEvent[];
  readonly epochs: readonly Epoch[];
}

const MAX_RELEASES = 8;

/**
 * Reads base, log and releases once. What is kept are the known files and the ESP's sectors, and one to four bytes for each
 * sector that is watched or written.
 *
 * @throws SweepError
 */
export async function prepareSweep(input: SweepInput, signal?: AbortSignal): Promise<Prepared> {
  const { base, log, releases, firmware = 'both' } = input;
  checkReleases(releases);
  for (const release of releases) await checkTopBlock(release, signal);
  const store = new SectorStore();
  const known = [];
  for (const release of releases) {
    known.push({ ...release, ukiFile: await knownFile(release.uki, store, signal) });
  }
  const loaders = [];
  for (const loader of await findLoaders(input, signal)) loaders.push(await knownFile(loader, store, signal));
  store.closeBulk();
  const watched = await planWatched(base, log, signal);
  const compiler = new Compiler(watched, store, releases);
  const model = await compiler.baseModel(base, signal);
  const events = await compiler.events(log, signal);
  const judge = new Judge(model, { watched, releases: known, loaders, firmware });
  return { watched, model, judge, events, epochs: splitEpochs(events) };
}

function checkReleases(releases: readonly SweepRelease[]): void {
  if (releases.length === 0 || releases.length > MAX_RELEASES) {
    throw new SweepError('bad-option', `${releases.length} releases: there must be 1 to ${MAX_RELEASES}`);
  }
  for (const key of ['name', 'rootHash'] as const) {
    const values = new Set(releases.map((release) => release[key]));
    if (values.size < releases.length)
      throw new SweepError('bad-option', `two releases have the same ${key}`);
  }
}

/** A root that is no EROFS, as tests have, brings none. */
async function loaderIn(release: SweepRelease, signal?: AbortSignal): Promise<ByteSource | undefined> {
  try {
    return await loaderOf(release, signal);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

/** Each loader once. */
async function findLoaders(
  { releases, loaders = [] }: SweepInput,
  signal?: AbortSignal,
): Promise<Iterable<ByteSource>> {
  const found = new Map<string, ByteSource>();
  for (const loader of loaders) found.set(await sha256OfStream(chunksOf(loader, signal)), loader);
  for (const release of releases) {
    const loader = await loaderIn(release, signal);
    if (loader !== undefined) found.set(await sha256OfStream(chunksOf(loader, signal)), loader);
  }
  if (found.size > 0) return found.values();
  throw new SweepError('bad-release', 'no release brings a boot loader, and none was given', {
    hint: 'Name one: `--loader systemd-bootx64.efi`.',
  });
}
