import { compareCharacters, compareVersions, order } from './version.ts';

/** An entry of the boot menu, as systemd-boot 257 reads it (src/boot/boot.c). */
export interface BootEntry {
  /** As it lies in `loader/entries`. */
  readonly fileName: string;
  /** The file name in lower case. */
  readonly file: string;
  /** As `file`, without the counter: what the loader compares. */
  readonly id: string;
  readonly sortKey: string | undefined;
  readonly machineId: string | undefined;
  readonly version: string | undefined;
  /** What is started: names separated by `/`. */
  readonly loader: string;
  /** Undefined where the name has no counter. */
  readonly tries: Tries | undefined;
}

export interface Tries {
  readonly left: number;
  readonly done: number;
  /** The file name up to the counter, `+` included. */
  readonly prefix: string;
}

const MAX_INT = 0x7fffffff;
const ARCHITECTURE = 'x64';

/** Whether a file in `loader/entries` is one (config_load_type1_entries). */
export function isEntryName(name: string): boolean {
  return !name.startsWith('.') && /\.conf$/i.test(name) && !name.toLowerCase().startsWith('auto-');
}

/** Undefined for what names nothing to start, or is for another architecture (boot_entry_add_type1). */
export function parseBootEntry(fileName: string, text: string): BootEntry | undefined {
  const keys = new Map<string, string>();
  for (const [key, value] of keyValues(text)) {
    if (key === 'architecture' && value.toLowerCase() !== ARCHITECTURE) return undefined;
    keys.set(key === 'linux' ? 'efi' : key, value);
  }
  const loader = keys.get('efi');
  if (loader === undefined) return undefined;
  const tries = parseTries(fileName);
  return {
    fileName,
    file: fileName.toLowerCase(),
    id: (tries === undefined ? fileName : `${tries.prefix.slice(0, -1)}.conf`).toLowerCase(),
    sortKey: keys.get('sort-key'),
    machineId: keys.get('machine-id'),
    version: keys.get('version'),
    loader: loader
      .split(/[/\\]+/)
      .filter(Boolean)
      .join('/'),
    tries,
  };
}

/** Keys and values in the order of the lines (line_get_key_value). A NUL ends the text. */
export function* keyValues(text: string): Generator<readonly [string, string]> {
  const [whole = ''] = text.split('\0');
  for (const raw of whole.split(/[\n\r]/)) {
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, '');
    const match = /^([^ \t]+)[ \t]+(.*)$/.exec(line);
    if (line.startsWith('#') || match === null) continue;
    const [, key = '', value = ''] = match;
    const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
    yield [key, quoted ? value.slice(1, -1) : value];
  }
}

/** The counter at the end of a name: `+LEFT` or `+LEFT-DONE` (boot_entry_parse_tries). */
export function parseTries(fileName: string): Tries | undefined {
  const match = /^(.*\+)([0-9]+)(?:-([0-9]+))?\.conf$/i.exec(fileName);
  if (match === null) return undefined;
  const [, prefix = '', left = '', done = '0'] = match;
  const tries = { left: Number(left), done: Number(done), prefix };
  return tries.left > MAX_INT || tries.done > MAX_INT ? undefined : tries;
}

/** The entry as it is after one more try that did not end well; itself where tries are not counted. */
export function countTry(entry: BootEntry): BootEntry {
  if (entry.tries === undefined) return entry;
  const { prefix } = entry.tries;
  const left = Math.max(0, entry.tries.left - 1);
  const done = Math.min(MAX_INT, entry.tries.done + 1);
  const fileName = `${prefix}${left}-${done}.conf`;
  return { ...entry, fileName, file: fileName.toLowerCase(), tries: { left, done, prefix } };
}

/**
 * Negative where `a` comes first in the menu (boot_entry_compare). The first one is started. An entry and its twin with a counter are
 * the same to the loader: it leaves them as they lie in their folder.
 */
export function compareEntries(a: BootEntry, b: BootEntry): number {
  const spent = order(a.tries?.left === 0, b.tries?.left === 0);
  if (spent !== 0) return spent;
  const keyless = order(a.sortKey === undefined, b.sortKey === undefined);
  if (keyless !== 0) return keyless;
  if (a.sortKey !== undefined && b.sortKey !== undefined) {
    const sorted =
      compareCharacters(a.sortKey, b.sortKey) ||
      compareCharacters(a.machineId ?? '', b.machineId ?? '') ||
      -compareVersions(a.version ?? '', b.version ?? '');
    if (sorted !== 0) return sorted;
  }
  const named = -compareVersions(a.id, b.id);
  if (named !== 0 || a.tries === undefined || b.tries === undefined) return named;
  return -order(a.tries.left, b.tries.left) || order(a.tries.done, b.tries.done);
}
