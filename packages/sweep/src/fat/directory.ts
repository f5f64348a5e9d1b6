import { byteString, viewOf } from '@cairn/bytes';

/** A name in a folder, as firmware reads it. */
export interface FatName {
  /** The long name; without one, the short one with its case flags. */
  readonly name: string;
  /** The 11 bytes as they are. */
  readonly short: string;
  readonly isDirectory: boolean;
  readonly size: number;
  readonly firstCluster: number;
}

const SIZE = 32;
const ATTRIBUTES = 11;
const CASE_FLAGS = 12;
const LONG_CHECKSUM = 13;
const CLUSTER_HIGH = 20;
const CLUSTER_LOW = 26;
const FILE_SIZE = 28;
const ATTRIBUTE = { volumeId: 0x08, directory: 0x10, longName: 0x0f } as const;
const DELETED = 0xe5;
const LAST_LONG = 0x40;
const LONG_PIECES = [
  [1, 5],
  [14, 6],
  [28, 2],
] as const;
const SHORT_NAME = /^[A-Z0-9!#$%&'()@^_`{}~-]{1,8}(\.[A-Z0-9!#$%&'()@^_`{}~-]{1,3})?$/;

/**
 * The names in a folder (DirectoryManage.c, FatLoadNextDirEnt), `.` and `..` among them. A long name is found from the short one
 * backwards; where a part of it is missing or is of another name, the short one counts.
 */
export function parseFatDirectory(bytes: Uint8Array): FatName[] {
  const names: FatName[] = [];
  for (let at = 0; at + SIZE <= bytes.length; at += SIZE) {
    const first = bytes[at] as number;
    // In this order: an entry with the label's bit does not end the folder, whatever its first byte.
    if (first === DELETED || ((bytes[at + ATTRIBUTES] as number) & ATTRIBUTE.volumeId) !== 0) continue;
    if (first === 0) break;
    const view = viewOf(bytes.subarray(at, at + SIZE));
    const short = byteString(bytes.subarray(at, at + 11));
    names.push({
      name: longName(bytes, at) ?? shownName(short, view.getUint8(CASE_FLAGS)),
      short,
      isDirectory: (view.getUint8(ATTRIBUTES) & ATTRIBUTE.directory) !== 0,
      size: view.getUint32(FILE_SIZE, true),
      firstCluster: ((view.getUint16(CLUSTER_HIGH, true) << 16) | view.getUint16(CLUSTER_LOW, true)) >>> 0,
    });
  }
  return names;
}

/** FatLoadLongNameEntry. */
function longName(bytes: Uint8Array, at: number): string | undefined {
  const checksum = shortChecksum(bytes.subarray(at, at + 11));
  const units: number[] = [];
  for (let order = 1, entry = at - SIZE; ; order++, entry -= SIZE) {
    if (entry < 0) return undefined;
    const part = viewOf(bytes.subarray(entry, entry + SIZE));
    const ordinal = part.getUint8(0);
    const belongs =
      (ordinal & ~LAST_LONG) === order &&
      part.getUint8(ATTRIBUTES) === ATTRIBUTE.longName &&
      part.getUint8(LONG_CHECKSUM) === checksum &&
      part.getUint16(CLUSTER_LOW, true) === 0;
    if (!belongs) return undefined;
    for (const [offset, count] of LONG_PIECES) {
      for (let unit = 0; unit < count; unit++) units.push(part.getUint16(offset + unit * 2, true));
    }
    if ((ordinal & LAST_LONG) !== 0) break;
  }
  const end = units.indexOf(0);
  return String.fromCharCode(...(end < 0 ? units : units.slice(0, end)));
}

function shortChecksum(name: Uint8Array): number {
  let sum = 0;
  for (const byte of name) sum = (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff;
  return sum;
}

/** FatGetFileNameViaCaseFlag. */
function shownName(short: string, flags: number): string {
  const base = short.slice(0, 8).trimEnd();
  const extension = short.slice(8).trimEnd();
  const shown = flags & 0x08 ? base.toLowerCase() : base;
  if (extension === '') return shown;
  return `${shown}.${flags & 0x10 ? extension.toLowerCase() : extension}`;
}

/** All that firmware may take for a name (FatSearchODir): by long name, whatever its case, or by short name. */
export function namesLike(names: readonly FatName[], wanted: string): FatName[] {
  const upper = wanted.toUpperCase();
  const [base = '', extension = ''] = upper.split('.');
  const short = SHORT_NAME.test(upper) ? base.padEnd(8) + extension.padEnd(3) : undefined;
  return names.filter((entry) => entry.name.toUpperCase() === upper || entry.short === short);
}
