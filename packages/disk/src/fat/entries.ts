import { byteString, viewOf } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { ATTRIBUTE, ENTRY, LONG, MAX_NAME_UNITS, NAME_MARK } from './format.ts';
import { aliasChecksum } from './names.ts';
import { decodeTime } from './time.ts';

/** A file or folder as a directory lists it. */
export interface FatEntry {
  /** The long name where there is one, else the short one. */
  readonly name: string;
  /** As in `LOADER~1.CON`. */
  readonly shortName: string;
  readonly kind: 'file' | 'directory';
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** To two seconds; FAT has no time zone, this takes it for UTC. */
  readonly mtime: Timestamp;
  /** 0 for an empty file. */
  readonly firstCluster: number;
}

/** What has been read of a long name: its entries come before that of the short one, the last part first. */
interface PartialName {
  readonly checksum: number;
  /** The number of the entry that was read last; 1 when the name is complete. */
  readonly order: number;
  readonly units: readonly number[];
}

const LABEL_MASK = ATTRIBUTE.label | ATTRIBUTE.directory;
const LONG_MASK = 0x3f;
const MAX_ORDER = Math.ceil(MAX_NAME_UNITS / LONG.units);

/**
 * The entries of a folder, without `.`, `..`, deleted ones and the volume's label. Long names whose parts are out of order or do not
 * belong to the short name are passed over, as the specification asks.
 *
 * @throws DiskError `fat-malformed` for names that cannot be names
 */
export function parseDirectory(bytes: Uint8Array, path: string): FatEntry[] {
  const entries: FatEntry[] = [];
  let partial: PartialName | undefined;
  for (let offset = 0; offset + ENTRY.size <= bytes.length; offset += ENTRY.size) {
    const entry = bytes.subarray(offset, offset + ENTRY.size);
    const mark = entry[ENTRY.name];
    const attributes = entry[ENTRY.attributes] ?? 0;
    if (mark === NAME_MARK.end) break;
    if (mark !== NAME_MARK.deleted && (attributes & LONG_MASK) === ATTRIBUTE.longName) {
      partial = extendName(partial, entry);
      continue;
    }
    const isLabel = (attributes & LABEL_MASK) === ATTRIBUTE.label;
    if (mark !== NAME_MARK.deleted && !isLabel && !isDots(entry)) {
      entries.push(parseEntry(entry, longName(partial, entry), path));
    }
    partial = undefined;
  }
  return entries;
}

function isDots(entry: Uint8Array): boolean {
  const name = byteString(entry.subarray(ENTRY.name, ENTRY.nameLength)).trimEnd();
  return name === '.' || name === '..';
}

function extendName(partial: PartialName | undefined, entry: Uint8Array): PartialName | undefined {
  const view = viewOf(entry);
  const first = view.getUint8(LONG.order);
  const order = first & ~LONG.lastFlag;
  const checksum = view.getUint8(LONG.checksum);
  const units = LONG.pieces.flatMap(([offset, count]) =>
    Array.from({ length: count }, (_, index) => view.getUint16(offset + index * 2, true)),
  );
  if (first & LONG.lastFlag) return order >= 1 && order <= MAX_ORDER ? { order, checksum, units } : undefined;
  if (partial === undefined || order !== partial.order - 1 || order < 1 || checksum !== partial.checksum) {
    return undefined;
  }
  return { order, checksum, units: [...units, ...partial.units] };
}

function longName(partial: PartialName | undefined, entry: Uint8Array): string | undefined {
  if (partial?.order !== 1) return undefined;
  if (partial.checksum !== aliasChecksum(entry.subarray(ENTRY.name, ENTRY.nameLength))) return undefined;
  const end = partial.units.indexOf(0);
  return String.fromCharCode(...(end < 0 ? partial.units : partial.units.slice(0, end)));
}

function parseEntry(entry: Uint8Array, long: string | undefined, path: string): FatEntry {
  const view = viewOf(entry);
  const isDirectory = (view.getUint8(ENTRY.attributes) & ATTRIBUTE.directory) !== 0;
  const shortName = parseShortName(entry);
  const name = long ?? applyCase(shortName, view.getUint8(ENTRY.caseFlags));
  if (!isName(name) || !isName(shortName)) {
    throw new DiskError('fat-malformed', `the folder "${path}" has an entry named ${JSON.stringify(name)}`);
  }
  return {
    name,
    shortName,
    kind: isDirectory ? 'directory' : 'file',
    size: isDirectory ? 0 : view.getUint32(ENTRY.fileSize, true),
    mtime: decodeTime(view.getUint16(ENTRY.modifiedDate, true), view.getUint16(ENTRY.modifiedTime, true)),
    firstCluster:
      ((view.getUint16(ENTRY.clusterHigh, true) << 16) | view.getUint16(ENTRY.clusterLow, true)) >>> 0,
  };
}

function parseShortName(entry: Uint8Array): string {
  const raw = entry.slice(ENTRY.name, ENTRY.nameLength);
  if (raw[0] === NAME_MARK.escapedE5) raw[0] = NAME_MARK.deleted;
  const text = byteString(raw);
  const extension = text.slice(8).trimEnd();
  return extension === '' ? text.slice(0, 8).trimEnd() : `${text.slice(0, 8).trimEnd()}.${extension}`;
}

function applyCase(shortName: string, flags: number): string {
  const [base = '', extension] = shortName.split('.');
  const shownBase = flags & 0x08 ? base.toLowerCase() : base;
  if (extension === undefined) return shownBase;
  return `${shownBase}.${flags & 0x10 ? extension.toLowerCase() : extension}`;
}

/** Nothing that would be another path once it is joined to one. */
function isName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return false;
  for (const character of name) if (character < ' ') return false;
  return true;
}
