import { isUtf8 } from 'node:buffer';
import { alignUp, type ByteString, bytesOf, type Content, concatBytes, type Range } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { encodeHeader, encodePax, OCTAL_MAX, splitName, TYPE_OF, type UstarFields } from './encode.ts';
import { DEFAULT_LIMITS, type TarEntry } from './entry.ts';
import { quoted, TarError } from './error.ts';
import { BLOCK, FIELD } from './layout.ts';
import { addRange, coversAll } from './sparse.ts';

/** What an entry becomes: bytes that come first, then these ranges of its content one after another. */
export interface EntryPlan {
  readonly head: Uint8Array;
  readonly data: readonly Range[];
}

type WholeEntry = Omit<TarEntry, 'offset'>;

/** A ustar header where all fits, preceded by a pax header with what does not. */
export function planEntry(entry: WholeEntry): EntryPlan {
  const { size } = entry.content;
  const data = storedRanges(entry.content);
  const records = new Map<ByteString, Uint8Array>();
  if (coversAll(data, size)) return { head: encodeHeads(entry, size, splitName(entry.path), records), data };
  const map = encodeSparseMap(data, size);
  const stored = data.reduce((sum, range) => sum + range.end - range.start, map.length);
  records.set('GNU.sparse.major', bytesOf('1'));
  records.set('GNU.sparse.minor', bytesOf('0'));
  records.set('GNU.sparse.name', bytesOf(entry.path));
  records.set('GNU.sparse.realsize', bytesOf(String(size)));
  const head = encodeHeads(
    entry,
    stored,
    { prefix: '', name: standInName('GNUSparseFile.0', entry.path) },
    records,
  );
  return { head: concatBytes([head, map]), data };
}

/** Whole blocks, as GNU tar, which starts each range of data in a block of its own, cannot read any other. */
function storedRanges({ size, data = [{ start: 0, end: size }] }: Content): Range[] {
  const ranges: Range[] = [];
  for (const { start, end } of data) {
    if (start < end) addRange(ranges, start - (start % BLOCK), Math.min(size, alignUp(end, BLOCK)));
  }
  return ranges;
}

/**
 * @param size bytes stored after the headers
 * @param name as it goes into the ustar header; undefined where the path does not fit
 * @param records of the pax header, to which what does not fit is added
 */
function encodeHeads(
  entry: WholeEntry,
  size: number,
  name: { readonly prefix: ByteString; readonly name: ByteString } | undefined,
  records: Map<ByteString, Uint8Array>,
): Uint8Array {
  if (name === undefined) records.set('path', bytesOf(entry.path));
  const fits = entry.linkTarget.length <= FIELD.linkName.length;
  if (!fits) records.set('linkpath', bytesOf(entry.linkTarget));
  const header = encodeHeader({
    ...(name ?? { prefix: '', name: entry.path.slice(0, FIELD.name.length) }),
    type: TYPE_OF[entry.kind],
    mode: entry.mode,
    uid: octalOrRecord(records, 'uid', entry.uid, OCTAL_MAX.id),
    gid: octalOrRecord(records, 'gid', entry.gid, OCTAL_MAX.id),
    size: octalOrRecord(records, 'size', size, OCTAL_MAX.size),
    mtime: secondsOrRecord(records, entry.mtime),
    linkName: fits ? entry.linkTarget : entry.linkTarget.slice(0, FIELD.linkName.length),
    major: octalOrRecord(records, 'SCHILY.devmajor', entry.major, OCTAL_MAX.id),
    minor: octalOrRecord(records, 'SCHILY.devminor', entry.minor, OCTAL_MAX.id),
  });
  for (const [key, value] of entry.xattrs) records.set(`SCHILY.xattr.${escapeKey(key)}`, value);
  markBinaryNames(records);
  return records.size === 0 ? header : concatBytes([encodePaxEntry(entry, records), header]);
}

function encodePaxEntry(entry: WholeEntry, records: ReadonlyMap<ByteString, Uint8Array>): Uint8Array {
  const { padded, size } = encodePax(records);
  if (size > DEFAULT_LIMITS.paxSize) {
    throw new TarError(
      'limit',
      `${quoted(entry.path)}: its names and xattrs are ${size} bytes, more than the ${DEFAULT_LIMITS.paxSize} that readers accept`,
    );
  }
  const fields: UstarFields = {
    prefix: '',
    name: standInName('PaxHeaders', entry.path),
    type: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: 0,
    linkName: '',
    major: 0,
    minor: 0,
  };
  return concatBytes([encodeHeader(fields), padded]);
}

/** A name for readers that know nothing of pax, which then make a file of it: the entry's last name in a folder apart. */
function standInName(folder: string, path: ByteString): ByteString {
  const name = path.replace(/\/+$/, '');
  return `${folder}/${name.slice(name.lastIndexOf('/') + 1)}`.slice(0, FIELD.name.length);
}

function octalOrRecord(
  records: Map<ByteString, Uint8Array>,
  key: string,
  value: number,
  max: number,
): number {
  if (value <= max) return value;
  records.set(key, bytesOf(String(value)));
  return 0;
}

function secondsOrRecord(records: Map<ByteString, Uint8Array>, { seconds, nanoseconds }: Timestamp): number {
  const fits = seconds >= 0 && seconds <= OCTAL_MAX.size;
  if (!fits || nanoseconds > 0) records.set('mtime', bytesOf(formatTime({ seconds, nanoseconds })));
  return fits ? seconds : 0;
}

/** Decimal seconds without zeros at the end: `-0.5` is half a second before 1970. */
export function formatTime({ seconds, nanoseconds }: Timestamp): string {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? -(seconds + 1) : seconds;
  const fraction = String(isBefore ? 1_000_000_000 - nanoseconds : nanoseconds).padStart(9, '0');
  const digits = fraction.replace(/0+$/, '');
  return `${isBefore ? '-' : ''}${whole}${digits === '' ? '' : `.${digits}`}`;
}

/** `=` would end the key: GNU tar's way of writing it, and so also `%`. */
function escapeKey(name: ByteString): ByteString {
  return name.replace(/[%=]/g, (character) => (character === '%' ? '%25' : '%3D'));
}

/** Names in a pax header are UTF-8 unless it says that they are not (POSIX.1-2017, pax, `hdrcharset`). */
function markBinaryNames(records: Map<ByteString, Uint8Array>): void {
  const names = ['path', 'linkpath', 'GNU.sparse.name'].map((key) => records.get(key));
  if (names.some((name) => name !== undefined && !isUtf8(name))) records.set('hdrcharset', bytesOf('BINARY'));
}

/** GNU tar manual, "PAX Format, Version 1.0". A hole at the end needs an empty range there, or GNU tar leaves it out. */
function encodeSparseMap(data: readonly Range[], size: number): Uint8Array {
  const ranges = data.at(-1)?.end === size ? data : [...data, { start: size, end: size }];
  const numbers = ranges.flatMap(({ start, end }) => [start, end - start]);
  const map = bytesOf(`${[ranges.length, ...numbers].join('\n')}\n`);
  return concatBytes([map, new Uint8Array(alignUp(map.length, BLOCK) - map.length)]);
}
