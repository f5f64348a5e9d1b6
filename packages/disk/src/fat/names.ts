import { viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { ATTRIBUTE, ENTRY, LONG, MAX_NAME_UNITS } from './format.ts';

/** The name of a file as a directory stores it. */
export interface StoredName {
  readonly name: string;
  /** The 11 bytes of the short name: eight and three, filled up with blanks, without the dot. */
  readonly alias: string;
  /** Entries of 32 bytes which the long name takes before the one with the alias; 0 when the alias says it all. */
  readonly longEntries: number;
}

const FORBIDDEN = new Set('"*/:<>?\\|');
const SHORT_NAME = /^[A-Z0-9!#$%&'()@^_`{}~-]{1,8}(\.[A-Z0-9!#$%&'()@^_`{}~-]{1,3})?$/;
const SHORT_CHARACTER = /[A-Z0-9!#$%&'()@^_`{}~-]/;
const MAX_TAIL = 999_999;

/** @throws DiskError `fat-bad-name`; `path` is what the message names */
export function checkName(name: string, path: string): void {
  const problem = problemOf(name);
  if (problem === undefined) return;
  throw new DiskError('fat-bad-name', `"${path}" cannot be a FAT name: ${problem}`);
}

function problemOf(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'a part of it is empty, "." or ".."';
  if (name.length > MAX_NAME_UNITS) return `"${name}" is longer than ${MAX_NAME_UNITS} UTF-16 units`;
  if (name.endsWith('.') || name.endsWith(' ')) return `"${name}" ends in a dot or a blank`;
  if (!name.isWellFormed()) return 'it has half a surrogate pair';
  for (const character of name) {
    if (character < ' ' || FORBIDDEN.has(character)) return `${JSON.stringify(character)} is not allowed`;
  }
  return undefined;
}

/** What two names have in common when FAT takes them for one: upper case, unit by unit, without changing the length. */
export function foldCase(name: string): string {
  let folded = '';
  for (const character of name) {
    const upper = character.toUpperCase();
    folded += upper.length === character.length ? upper : character;
  }
  return folded;
}

/**
 * Gives each name of a directory its short alias (specification, "Generating short names"). The names are already
 * known to differ when their case is folded. An alias never equals another entry's name.
 */
export function storeNames(names: readonly string[]): StoredName[] {
  const taken = new Set(names.map(foldCase));
  return names.map((name) => {
    if (SHORT_NAME.test(name)) return { name, alias: padAlias(name), longEntries: 0 };
    const alias = makeAlias(name, taken);
    taken.add(alias);
    return { name, alias: padAlias(alias), longEntries: Math.ceil(name.length / LONG.units) };
  });
}

function makeAlias(name: string, taken: ReadonlySet<string>): string {
  const upper = foldCase(name);
  if (SHORT_NAME.test(upper)) return upper;
  const visible = upper.replace(/^[. ]+/, '');
  const dot = visible.lastIndexOf('.');
  const split = dot < 0 ? visible.length : dot;
  const base = shortCharacters(visible.slice(0, split)) || '_';
  const extension = shortCharacters(visible.slice(split)).slice(0, 3);
  for (let number = 1; number <= MAX_TAIL; number++) {
    const tail = `~${number}`;
    const alias = joinAlias(base.slice(0, 8 - tail.length) + tail, extension);
    if (!taken.has(alias)) return alias;
  }
  throw new DiskError('fat-bad-name', `"${name}": all of its short names are taken in this folder`);
}

function shortCharacters(text: string): string {
  let short = '';
  for (const character of text) {
    if (character === ' ' || character === '.') continue;
    short += SHORT_CHARACTER.test(character) ? character : '_';
  }
  return short;
}

function joinAlias(base: string, extension: string): string {
  return extension === '' ? base : `${base}.${extension}`;
}

function padAlias(alias: string): string {
  const [base = '', extension = ''] = alias.split('.');
  return base.padEnd(8) + extension.padEnd(3);
}

/** Ties the entries of a long name to the short one after them. */
export function aliasChecksum(alias: Uint8Array): number {
  let sum = 0;
  for (const byte of alias) sum = (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff;
  return sum;
}

/** The entries that hold a long name, in the order in which they are stored: the name's last part first. */
export function encodeLongName(stored: StoredName): Uint8Array {
  const bytes = new Uint8Array(stored.longEntries * ENTRY.size);
  const checksum = aliasChecksum(Buffer.from(stored.alias, 'latin1'));
  for (let index = 0; index < stored.longEntries; index++) {
    const number = stored.longEntries - index;
    const view = viewOf(bytes.subarray(index * ENTRY.size, (index + 1) * ENTRY.size));
    view.setUint8(LONG.order, number | (index === 0 ? LONG.lastFlag : 0));
    view.setUint8(ENTRY.attributes, ATTRIBUTE.longName);
    view.setUint8(LONG.checksum, checksum);
    let unit = (number - 1) * LONG.units;
    for (const [offset, count] of LONG.pieces) {
      for (let piece = 0; piece < count; piece++, unit++) {
        view.setUint16(offset + piece * 2, unitAt(stored.name, unit), true);
      }
    }
  }
  return bytes;
}

/** A name that does not fill its last entry is closed by a NUL, and the rest is all ones. */
function unitAt(name: string, index: number): number {
  if (index < name.length) return name.charCodeAt(index);
  return index === name.length ? 0 : 0xffff;
}
