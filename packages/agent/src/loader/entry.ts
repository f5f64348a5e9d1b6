import { AgentError } from '../error.ts';

/** A loader entry of type 1 (UAPI.1), as far as it decides what boots. */
export interface EntryText {
  readonly title: string;
  readonly sortKey: string;
  readonly version: string;
  /** The path of the UKI on the ESP, as it is written. */
  readonly efi: string;
  /** Why the initrd has put a counter to a release that was good; one sentence. */
  readonly doubt?: string;
}

/** An entry of ours has 150 bytes. */
export const ENTRY_LIMIT = 4096;
const DOUBT_LIMIT = 1000;

/** A comment to the loader. */
const DOUBT = '# cairn doubts it: ';

const KEYS = { title: 'title', sortKey: 'sort-key', version: 'version', efi: 'efi' } as const;

/**
 * Parses an entry. As in the loader, of a key that comes again the last one counts, and keys that are not known are passed over.
 *
 * @throws AgentError `bad-entry` where a key is missing that every entry of ours has
 */
export function parseEntry(bytes: Uint8Array): EntryText {
  if (bytes.length > ENTRY_LIMIT) throw new AgentError('bad-entry', `it has ${bytes.length} bytes`);
  const fields = new Map<string, string>();
  let doubt: string | undefined;
  for (const line of new TextDecoder().decode(bytes).split(/\r?\n/)) {
    if (line.startsWith(DOUBT)) doubt = line.slice(DOUBT.length);
    const [, key, value] = /^[ \t]*([^ \t#][^ \t]*)[ \t]+(.*?)[ \t]*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
  }
  function field(key: string): string {
    const value = fields.get(key);
    if (value === undefined || value === '') throw new AgentError('bad-entry', `it has no "${key}"`);
    return value;
  }
  return {
    title: field(KEYS.title),
    sortKey: field(KEYS.sortKey),
    version: field(KEYS.version),
    efi: field(KEYS.efi),
    ...(doubt === undefined ? {} : { doubt }),
  };
}

/** An entry's text with the reason why it is counted from now on, in place of an earlier one. */
export function doubtEntry(text: string, doubt: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith(DOUBT));
  return `${[...lines, DOUBT + doubt.replaceAll(/\s+/g, ' ').slice(0, DOUBT_LIMIT)].join('\n')}\n`;
}

/** The release that an entry boots: the first 32 digits of its root hash; undefined for a file that is none of ours. */
export function releaseOf({ efi }: EntryText): string | undefined {
  // FAT and the firmware take both cases and both slashes for the same.
  return /^[/\\]?EFI[/\\]cairn[/\\]([0-9a-f]{32})\.efi$/i.exec(efi)?.[1]?.toLowerCase();
}
