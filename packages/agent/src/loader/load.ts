import { CairnError } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { parseRelease, RELEASE_LIMIT, type Release } from '@cairn/release';
import { ENTRY_LIMIT, type EntryText, parseEntry, releaseOf } from './entry.ts';
import { type EntryName, parseEntryName } from './name.ts';
import { ENTRIES_FOLDER, RELEASES_FOLDER } from './places.ts';

/** An entry of ours on the ESP. */
export interface LoaderEntry {
  /** `cairn-7+3.conf` */
  readonly file: string;
  readonly name: EntryName;
  readonly text: EntryText;
  /** Which release it boots, by the first 32 digits of its root hash. */
  readonly id: string | undefined;
}

/** What is on an ESP of ours. */
export interface LoaderState {
  readonly entries: readonly LoaderEntry[];
  /** The bytes of each UKI, by its release's id. */
  readonly ukis: ReadonlyMap<string, number>;
  /** Descriptions by id; those that are not understood are among the problems. */
  readonly releases: ReadonlyMap<string, Release>;
  /** The bytes of each description. */
  readonly descriptions: ReadonlyMap<string, number>;
  /** Paths below the ESP of files that were never finished, or are damaged: nothing is lost with them. */
  readonly leftovers: readonly string[];
  /** Sentences: what is there and not understood. */
  readonly problems: readonly string[];
}

/** What a file is called until it is whole. Neither loader nor firmware take it for theirs. */
export const UNFINISHED = '.new';

/** Reads an ESP that is mounted at, or is, a folder. What is not ours is passed over. Throws HostError. */
export async function loadLoader(files: Files, esp: string): Promise<LoaderState> {
  const problems: string[] = [];
  const leftovers: string[] = [];
  const entries = await loadEntries(files, esp, problems, leftovers);
  const ukis = new Map<string, number>();
  const descriptions = new Map<string, number>();
  const releases = new Map<string, Release>();
  for (const file of await files.list(`${esp}/${RELEASES_FOLDER}`)) {
    const path = `${RELEASES_FOLDER}/${file}`;
    if (file.endsWith(UNFINISHED)) leftovers.push(path);
    const [, id, kind] = /^([0-9a-f]{32})\.(efi|json)$/.exec(file) ?? [];
    if (id === undefined) continue;
    const size = (await files.stat(`${esp}/${path}`))?.size ?? 0;
    (kind === 'efi' ? ukis : descriptions).set(id, size);
    if (kind !== 'json') continue;
    const release = await attempt(problems, path, () => loadDescription(files, `${esp}/${path}`, id));
    if (release !== undefined) releases.set(id, release);
  }
  return { entries, ukis, releases, descriptions, leftovers, problems };
}

async function loadEntries(
  files: Files,
  esp: string,
  problems: string[],
  leftovers: string[],
): Promise<LoaderEntry[]> {
  const entries: LoaderEntry[] = [];
  for (const file of await files.list(`${esp}/${ENTRIES_FOLDER}`)) {
    const path = `${ENTRIES_FOLDER}/${file}`;
    if (file.endsWith(UNFINISHED)) leftovers.push(path);
    const name = parseEntryName(file);
    if (name === undefined) continue;
    const text = await attempt(problems, path, async () =>
      parseEntry((await files.read(`${esp}/${path}`, ENTRY_LIMIT)) ?? new Uint8Array()),
    );
    if (text !== undefined) entries.push({ file, name, text, id: releaseOf(text) });
    else if (name.kind === 'slot') leftovers.push(path);
  }
  return entries;
}

async function loadDescription(files: Files, path: string, id: string): Promise<Release | undefined> {
  const release = parseRelease((await files.read(path, RELEASE_LIMIT)) ?? new Uint8Array());
  return release.root.rootHash.startsWith(id) ? release : undefined;
}

/** One damaged file must not hide all others. */
async function attempt<T>(
  problems: string[],
  path: string,
  work: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    const value = await work();
    if (value === undefined) problems.push(`${path} on the ESP is of another release than its name says`);
    return value;
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    problems.push(`${path} on the ESP is not understood: ${error.message}`);
    return undefined;
  }
}
