import { type Directory, readFileIn } from '@cairn/tree';

/** What an image says of itself in os-release(5). */
export interface OsRelease {
  /** `ID`, or `linux`. */
  readonly id: string;
  /** `PRETTY_NAME`, or `NAME`, or `Linux`. */
  readonly prettyName: string;
  /** `VERSION_ID`: rolling distributions have none. */
  readonly versionId: string | undefined;
  readonly fields: ReadonlyMap<string, string>;
  /** The file as it is; empty where there is none. */
  readonly bytes: Uint8Array;
}

const LIMIT = 1 << 20;
const ASSIGNMENT = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

/** What a backslash may escape between double quotes (os-release(5)); before anything else it stands for itself. */
const ESCAPABLE = '"$`\\';

/** The first of the two places that os-release(5) names. */
export async function readOsRelease(root: Directory, signal?: AbortSignal): Promise<OsRelease> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    const bytes = await readFileIn(root, path, { limit: LIMIT, signal });
    if (bytes !== undefined) return parseOsRelease(bytes);
  }
  return parseOsRelease(new Uint8Array());
}

/** Parses os-release(5). Lines that are no assignments are left out, as the page demands; of two for one name the last holds. */
export function parseOsRelease(bytes: Uint8Array): OsRelease {
  const fields = new Map<string, string>();
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    const [, name, value] = ASSIGNMENT.exec(line.trimEnd()) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, unquote(value));
  }
  return {
    id: fields.get('ID') || 'linux',
    prettyName: fields.get('PRETTY_NAME') || fields.get('NAME') || 'Linux',
    versionId: fields.get('VERSION_ID') || undefined,
    fields,
    bytes,
  };
}

/** A value as a shell would read it, without expansions. */
function unquote(value: string): string {
  let result = '';
  let quote = '';
  for (let position = 0; position < value.length; position++) {
    const character = value.charAt(position);
    const next = value.charAt(position + 1);
    if (quote === "'" ? character === "'" : quote !== '' && character === quote) {
      quote = '';
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
    } else if (character === '\\' && (quote === '' || (quote === '"' && ESCAPABLE.includes(next)))) {
      result += next;
      position++;
    } else if (quote === '' && /\s/.test(character)) {
      break;
    } else {
      result += character;
    }
  }
  return result;
}
