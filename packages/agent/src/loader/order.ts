import { compareVersions } from '../upgrade/version.ts';
import type { LoaderEntry, LoaderState } from './load.ts';

/** What is left of a file's name without its counter: the loader compares no more. */
const COUNTER = /\+\d+(?:-\d+)?(?=\.conf$)/;

/**
 * The order in which systemd-boot 257 takes entries (`boot_entry_compare`): the first is booted. Of an entry and its twin with a
 * counter, which a cut of power can leave, it takes the one that its folder has first; here the one that is good is first.
 */
export function compareEntries(a: LoaderEntry, b: LoaderEntry): number {
  return (
    Number(isSpent(a)) - Number(isSpent(b)) ||
    (a.text.sortKey < b.text.sortKey ? -1 : a.text.sortKey > b.text.sortKey ? 1 : 0) ||
    -compareVersions(a.text.version, b.text.version) ||
    -compareVersions(a.file.replace(COUNTER, ''), b.file.replace(COUNTER, '')) ||
    Number(a.name.tries !== undefined) - Number(b.name.tries !== undefined) ||
    -compareVersions(a.file, b.file)
  );
}

/** Its tries are used up: the loader takes every other entry before it. */
export function isSpent({ name }: LoaderEntry): boolean {
  return name.tries?.left === 0;
}

/** What the loader would boot, best first: it passes over entries whose UKI is not there. */
export function bootOrder({ entries, ukis }: LoaderState): LoaderEntry[] {
  return entries.filter(({ id }) => id !== undefined && ukis.has(id)).toSorted(compareEntries);
}

/** The generation of the next commit: the highest there is plus one. */
export function nextGeneration({ entries }: LoaderState): number {
  return Math.max(0, ...entries.map(({ name }) => (name.kind === 'slot' ? name.generation : 0))) + 1;
}

/** The best entry of a release in a slot. */
export function entryOf(loader: LoaderState, id: string): LoaderEntry | undefined {
  return loader.entries
    .filter((entry) => entry.id === id && entry.name.kind === 'slot')
    .toSorted(compareEntries)[0];
}
