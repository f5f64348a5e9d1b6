import { type ByteString, toText } from '@cairn/bytes';
import { OciError } from '../error.ts';
import { quoted } from '../quote.ts';

/**
 * What an entry's name asks for (OCI image specification, layer.md, "Whiteouts"):
 * - `add` a file, or change one
 * - `whiteout`: remove what lower layers have there
 * - `opaque`: remove all that lower layers have in this folder
 * - `ignore`: AUFS's own bookkeeping, which old images carry
 */
export interface Intent {
  readonly kind: 'add' | 'whiteout' | 'opaque' | 'ignore';
  /** On the way from the root to it; none for the root itself. */
  readonly names: readonly ByteString[];
}

const WHITEOUT = '.wh.';
const AUFS = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

const NAME_LIMIT = 255;
/** Of a path with the slashes: PATH_MAX in Linux. */
export const PATH_LIMIT = 4096;

/** Where in an image something is wrong, for the start of a sentence: `layer 3f2a...: entry "etc/x"`. */
export interface EntryPlace {
  readonly label: string;
  readonly path: ByteString;
}

export function entryError(place: EntryPlace, detail: string): OciError {
  return new OciError('invalid-layer', `${place.label}: entry ${quoted(toText(place.path))} ${detail}`);
}

/**
 * The names on the way to a path, from the root. Written as container engines read them: a leading slash or `./`
 * means the root, and `a/../b` is `b` without a look at `a`.
 *
 * @param what says in errors what the path is: `a link target`
 */
export function namesOf(path: ByteString, place: EntryPlace, what: string): ByteString[] {
  if (path.includes('\0')) throw entryError(place, `has ${what} that holds a NUL`);
  if (path.length > PATH_LIMIT) throw entryError(place, `has ${what} of more than ${PATH_LIMIT} bytes`);
  const names: ByteString[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name.length > NAME_LIMIT)
      throw entryError(place, `has ${what} with a part of more than ${NAME_LIMIT} bytes`);
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) throw entryError(place, `has ${what} that climbs out of the root`);
  }
  return names;
}

/** Whether a folder may be made that is only named by a link: that name was not checked yet. */
export function isFolderName(name: ByteString): boolean {
  return name.length <= NAME_LIMIT && !name.startsWith(WHITEOUT) && !name.includes('\0');
}

/** @throws OciError `invalid-layer` for a name that no image may have */
export function intentOf(place: EntryPlace): Intent {
  const names = namesOf(place.path, place, 'a name');
  if (!place.path.includes(WHITEOUT)) return { kind: 'add', names };
  const last = names.length - 1;
  for (const [index, name] of names.entries()) {
    if (!name.startsWith(WHITEOUT)) continue;
    if (name === OPAQUE && index === last) return { kind: 'opaque', names: names.slice(0, -1) };
    if (name.startsWith(AUFS)) return { kind: 'ignore', names };
    const hidden = name.slice(WHITEOUT.length);
    if (index !== last || hidden === '' || hidden === '.' || hidden === '..') {
      throw entryError(place, `is not a whiteout, and names with ${WHITEOUT} are reserved for them`);
    }
    return { kind: 'whiteout', names: [...names.slice(0, -1), hidden] };
  }
  return { kind: 'add', names };
}
