import { type ByteSource, equalBytes, readExactly, viewOf } from '@cairn/bytes';
import { malformed } from './error.ts';

/**
 * The header blobs in an rpm database of the kind "ndb", as SUSE uses it: `Packages.db`. The file starts with
 * pages of slots, each slot naming one blob by position and length in blocks.
 *
 * Source: rpm 4.20, the comments and structures of lib/backend/ndb/rpmpkg.c; there is no other specification.
 */

const PAGE = 4096;
const BLOCK = 16;
/** A slot is as long as a block; the file's header takes the place of the first two. */
const FIRST_SLOT = 2;
const HEAD = 16;
const TAIL = 12;

const FILE_MAGIC = new TextEncoder().encode('RpmP');
const SLOT_MAGIC = new TextEncoder().encode('Slot');
const HEAD_MAGIC = new TextEncoder().encode('BlbS');
const TAIL_MAGIC = new TextEncoder().encode('BlbE');

interface Slot {
  readonly package: number;
  readonly start: number;
  readonly length: number;
}

/** @throws SbomError `malformed-database` */
export async function* ndbBlobs(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  if (source.size < PAGE) throw malformed(`an ndb database of ${source.size} bytes has no slots`);
  const header = viewOf(await readExactly(source, 0, 32, signal));
  if (!startsWith(header, 0, FILE_MAGIC) || header.getUint32(4, true) !== 0) {
    throw malformed('it does not start as an ndb database of version 0 does');
  }
  const slotPages = header.getUint32(12, true);
  if (slotPages * PAGE > source.size) {
    throw malformed(`an ndb database of ${source.size} bytes cannot have ${slotPages} pages of slots`);
  }
  // Slots that overlap could make a small file yield a huge number of blobs.
  let left = source.size - slotPages * PAGE;
  for (let page = 0; page < slotPages; page++) {
    const slots = viewOf(await readExactly(source, page * PAGE, PAGE, signal));
    for (let at = page === 0 ? FIRST_SLOT * BLOCK : 0; at < PAGE; at += BLOCK) {
      const slot = parseSlot(slots, at);
      if (slot === undefined) continue;
      left -= slot.length;
      if (left < 0 || slot.start + slot.length > source.size || slot.start < slotPages * PAGE) {
        throw malformed(`package ${slot.package} of the ndb database lies outside of it, or on another`);
      }
      yield parseBlob(await readExactly(source, slot.start, slot.length, signal), slot.package);
    }
  }
}

function startsWith(view: DataView, at: number, magic: Uint8Array): boolean {
  return equalBytes(new Uint8Array(view.buffer, view.byteOffset + at, magic.length), magic);
}

/** Undefined for a free slot. */
function parseSlot(view: DataView, at: number): Slot | undefined {
  if (!startsWith(view, at, SLOT_MAGIC)) throw malformed('a slot of the ndb database is damaged');
  const start = view.getUint32(at + 8, true) * BLOCK;
  if (start === 0) return undefined;
  return { package: view.getUint32(at + 4, true), start, length: view.getUint32(at + 12, true) * BLOCK };
}

/** Head (magic, package, time, length), the blob, padding, and a tail (checksum, length, magic). */
function parseBlob(bytes: Uint8Array, number: number): Uint8Array {
  if (bytes.length < HEAD + TAIL) throw malformed(`package ${number} of the ndb database has no room`);
  const view = viewOf(bytes);
  const tail = bytes.length - TAIL;
  const length = view.getUint32(12, true);
  const sound =
    startsWith(view, 0, HEAD_MAGIC) &&
    startsWith(view, tail + 8, TAIL_MAGIC) &&
    view.getUint32(4, true) === number &&
    view.getUint32(tail + 4, true) === length &&
    HEAD + length <= tail &&
    view.getUint32(tail, true) === adler32(bytes.subarray(0, tail));
  if (!sound) throw malformed(`package ${number} of the ndb database is damaged`);
  return bytes.subarray(HEAD, HEAD + length);
}

/** RFC 1950, section 9. The sums stay below 2^53 for far more bytes than are summed between two divisions. */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; start += 5552) {
    for (const byte of bytes.subarray(start, start + 5552)) {
      low += byte;
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return high * 65536 + low;
}
