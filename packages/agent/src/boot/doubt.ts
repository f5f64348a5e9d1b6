import type { EarlyFiles, EarlyHost } from '@cairn/host';
import { AgentError } from '../error.ts';
import { doubtEntry, ENTRY_LIMIT, parseEntry, releaseOf } from '../loader/entry.ts';
import { formatEntryName, parseEntryName, type Tries } from '../loader/name.ts';
import { ENTRIES_FOLDER, ukiPath } from '../loader/places.ts';
import { findPartition } from './disk.ts';
import { RUN } from './places.ts';
import { mustRunEarly } from './programs.ts';

/** What the boot loader has started, by its own variables (Boot Loader Interface). */
export interface Started {
  /** The file of the entry, without a counter: `cairn-7.conf`. */
  readonly entry: string;
  /** The id of the ESP that it is on, in lower case. */
  readonly partition: string;
}

export interface Doubt {
  /** What the entry is counted by from now on. */
  readonly tries: Tries;
  /** One sentence, which the entry keeps. */
  readonly reason: string;
}

/** Its slot does not hold it: there is nothing to be tried again. */
export const SPENT: Tries = { left: 0, done: 1 };
/** Two boots have failed, this one included if it fails; with the one that is left they are three, as on trial. */
export const LAST_TRY: Tries = { left: 1, done: 2 };

const ESP = `${RUN}/esp`;
const FOLDER = `${ESP}/${ENTRIES_FOLDER}`;
const OPTIONS = 'umask=0077,noatime,nodev,nosuid,noexec';

/**
 * Puts a counter to the entry of a release that was good and does not boot any more, so that the loader takes the next one: of
 * itself it would take this one again and again. The entry with the counter is on the disk before the one without is
 * removed; a cut of power between them leaves both, and the next boot does it again.
 *
 * It is done only where another entry can be booted, and never to one that is counted already.
 *
 * @returns whether it was done
 * @throws AgentError, HostError
 */
export async function doubtStarted(host: EarlyHost, started: Started, doubt: Doubt): Promise<boolean> {
  const name = parseEntryName(started.entry);
  if (name?.kind !== 'slot') return false;
  const device = await findPartition(host.files, started.partition);
  if (device === undefined) return false;
  await host.files.makeDirectory(ESP, 0o700);
  await mustRunEarly(host, ['mount', '-t', 'vfat', '-o', `rw,${OPTIONS}`, device, ESP]);
  try {
    return await doubtOnEsp(host, name.generation, doubt);
  } finally {
    await mustRunEarly(host, ['umount', ESP]);
  }
}

async function doubtOnEsp(host: EarlyHost, generation: number, { tries, reason }: Doubt): Promise<boolean> {
  const { files } = host;
  const good = `${FOLDER}/${formatEntryName(generation)}`;
  const text = await files.readText(good, ENTRY_LIMIT);
  if (text === undefined || !(await hasAnother(files, generation))) return false;
  await files.replace(`${FOLDER}/${formatEntryName(generation, tries)}`, doubtEntry(text, reason));
  await flush(host);
  await files.remove(good);
  await flush(host);
  return true;
}

/** As `MountedEsp.flush`. */
async function flush(host: EarlyHost): Promise<void> {
  await mustRunEarly(host, ['sync', '--file-system', ESP]);
  await host.files.sync(FOLDER);
}

/** Whether the loader has an entry of another generation, or of recovery, that has tries left and a UKI. */
async function hasAnother(files: EarlyFiles, generation: number): Promise<boolean> {
  for (const file of await files.list(FOLDER)) {
    const name = parseEntryName(file);
    if (name === undefined || name.tries?.left === 0) continue;
    if (name.kind === 'slot' && name.generation === generation) continue;
    const id = await releaseIn(files, `${FOLDER}/${file}`);
    if (id !== undefined && (await files.stat(`${ESP}/${ukiPath(id)}`)) !== undefined) return true;
  }
  return false;
}

/** An entry that is damaged boots nothing. */
async function releaseIn(files: EarlyFiles, path: string): Promise<string | undefined> {
  try {
    return releaseOf(parseEntry((await files.read(path, ENTRY_LIMIT)) ?? new Uint8Array()));
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}
