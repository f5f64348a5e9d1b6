import type { ByteString } from '@cairn/bytes';
import { errorAt, type Place, quoted, TarError } from './error.ts';
import {
  checksumOf,
  FIELD,
  GNU_MAGIC,
  SPARSE_RANGE,
  STAR_MARK,
  signedChecksumOf,
  USTAR_MAGIC,
} from './layout.ts';

/** One header block as it stands, before pax records and long names are applied. */
export interface Header extends Place {
  /** The type flag: one character. */
  readonly type: string;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes stored after the header. */
  readonly size: number;
  /** Whole seconds. */
  readonly mtime: number;
  /** Of devices; 0 elsewhere, where some programs leave rubbish. */
  readonly major: number;
  readonly minor: number;
}

/**
 * Reads one header block that is not all zeros: v7, ustar, star, old GNU.
 *
 * @param offset of the block in the archive
 * @param previous the path of the entry before it, for the message
 * @throws TarError `bad-header`
 */
export function parseHeader(bytes: Uint8Array, offset: number, previous: ByteString | undefined): Header {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const wanted = parseNumber(block, FIELD.checksum.start, FIELD.checksum.length);
  if (wanted !== checksumOf(block) && wanted !== signedChecksumOf(block)) {
    const what =
      previous === undefined ? 'this is not a tar archive' : `what follows ${quoted(previous)} is damaged`;
    throw new TarError('bad-header', `byte ${offset}: the checksum of the header is wrong, ${what}`);
  }
  const place: Place = { name: nameIn(block), offset };
  const type = String.fromCharCode(block[FIELD.type.start] ?? 0);
  const isDevice = type === '3' || type === '4';
  const size = numberIn(block, 'size', place);
  if (size < 0) throw errorAt('bad-header', place, `its size is ${size}`);
  return {
    ...place,
    type,
    linkName: textIn(block, 'linkName'),
    mode: numberIn(block, 'mode', place) & 0o7777,
    uid: numberIn(block, 'uid', place),
    gid: numberIn(block, 'gid', place),
    size,
    mtime: numberIn(block, 'mtime', place),
    major: isDevice ? numberIn(block, 'major', place) : 0,
    minor: isDevice ? numberIn(block, 'minor', place) : 0,
  };
}

/** The sparse map of an old GNU header, as far as it fits into the header. */
export interface OldGnuMap {
  readonly realSize: number;
  /** Offset, length, offset, length, ... */
  readonly numbers: readonly number[];
  /** Whether a block with more of the map follows. */
  readonly extended: boolean;
}

export function parseOldGnuMap(block: Uint8Array, place: Place): OldGnuMap {
  if (!holds(block, FIELD.magic.start, GNU_MAGIC)) {
    throw errorAt('unsupported', place, 'it is a sparse file of a kind that only star writes');
  }
  return {
    realSize: numberIn(block, 'sparseRealSize', place),
    numbers: rangesIn(block, 'sparseMap', place),
    extended: block[FIELD.sparseExtended.start] !== 0,
  };
}

/** One of the blocks that go on with an old GNU sparse map. */
export function parseOldGnuExtension(block: Uint8Array, place: Place): Omit<OldGnuMap, 'realSize'> {
  return {
    numbers: rangesIn(block, 'extensionMap', place),
    extended: block[FIELD.extensionExtended.start] !== 0,
  };
}

function rangesIn(block: Uint8Array, field: 'sparseMap' | 'extensionMap', place: Place): number[] {
  const { start, length } = FIELD[field];
  const numbers: number[] = [];
  for (let at = start; at < start + length; at += SPARSE_RANGE.length) {
    // An unused slot is all NULs: a used one has digits in its length, even for a length of 0.
    if (block[at + SPARSE_RANGE.number] === 0) continue;
    const from = parseNumber(block, at, SPARSE_RANGE.number);
    const count = parseNumber(block, at + SPARSE_RANGE.number, SPARSE_RANGE.number);
    if (from === undefined || count === undefined) {
      throw errorAt('bad-header', place, 'its sparse map has a number that cannot be read');
    }
    numbers.push(from, count);
  }
  return numbers;
}

/** The name with its prefix: ustar has 155 bytes for one, star 131, and old GNU keeps times there. */
function nameIn(block: Buffer): ByteString {
  const name = textIn(block, 'name');
  if (!holds(block, FIELD.magic.start, USTAR_MAGIC)) return name;
  const prefix = textIn(block, holds(block, FIELD.starMark.start, STAR_MARK) ? 'starPrefix' : 'prefix');
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textIn(block: Buffer, field: 'name' | 'linkName' | 'prefix' | 'starPrefix'): ByteString {
  const { start, length } = FIELD[field];
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return end === start ? '' : block.toString('latin1', start, end);
}

function holds(block: Uint8Array, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (block[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function numberIn(
  block: Uint8Array,
  field: 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'major' | 'minor' | 'sparseRealSize',
  place: Place,
): number {
  const { start, length } = FIELD[field];
  const value = parseNumber(block, start, length);
  if (value === undefined) throw errorAt('bad-header', place, `its ${field} is not a number`);
  return value;
}

/**
 * Octal digits, led by spaces or NULs and ended by either or by the end of the field; all blank is 0. With the
 * first bit set it is a two's complement number in base 256 instead, as GNU tar and star write large ones.
 *
 * @returns undefined where it is neither, or beyond 2^53
 */
export function parseNumber(block: Uint8Array, start: number, length: number): number | undefined {
  const end = start + length;
  if ((block[start] ?? 0) & 0x80) return parseBase256(block, start, end);
  let at = start;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at] ?? 0;
    if (byte === 0x20 || byte === 0) return value;
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = value * 8 + byte - 0x30;
  }
  return value;
}

function parseBase256(block: Uint8Array, start: number, end: number): number | undefined {
  const first = block[start] ?? 0;
  let value = (first & 0x3f) - (first & 0x40);
  for (let at = start + 1; at < end; at++) {
    value = value * 256 + (block[at] ?? 0);
    if (!Number.isSafeInteger(value)) return undefined;
  }
  return value;
}
