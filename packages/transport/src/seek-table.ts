import { concatBytes, viewOf } from '@cairn/bytes';
import { TransportError } from './error.ts';

/** One frame of Zstandard, which can be fetched and unpacked by itself. Sizes are in bytes. */
export interface Frame {
  readonly compressed: number;
  readonly size: number;
}

/** Skippable frames are left out by whoever unpacks the whole (RFC 8878, section 3.1.2). */
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const HEADER_SIZE = 8;
const FOOTER_SIZE = 9;
const ENTRY_SIZE = 8;
/** Of the footer's descriptor: entries have checksums. The others are reserved. */
const CHECKSUMS = 0x80;
const CHECKSUM_SIZE = 4;
/** A root of 64 GiB in frames of 64 KiB. */
const FRAMES_LIMIT = 1 << 20;

/** How much of the end has to be read to know how large the table is. */
export const SEEK_FOOTER_SIZE = FOOTER_SIZE;

/** The table of frames that ends a file (Zstandard Seekable Format 0.1.0), without checksums: frames have their own. */
export function encodeSeekTable(frames: readonly Frame[]): Uint8Array {
  const body = new Uint8Array(frames.length * ENTRY_SIZE + FOOTER_SIZE);
  const view = viewOf(body);
  for (const [index, { compressed, size }] of frames.entries()) {
    view.setUint32(index * ENTRY_SIZE, compressed, true);
    view.setUint32(index * ENTRY_SIZE + 4, size, true);
  }
  const footer = frames.length * ENTRY_SIZE;
  view.setUint32(footer, frames.length, true);
  view.setUint32(footer + 5, SEEKABLE_MAGIC, true);
  const header = new Uint8Array(HEADER_SIZE);
  viewOf(header).setUint32(0, SKIPPABLE_MAGIC, true);
  viewOf(header).setUint32(4, body.length, true);
  return concatBytes([header, body]);
}

/** How many bytes the table has, from the last `SEEK_FOOTER_SIZE` of a file. Throws TransportError `bad-artifact`. */
export function seekTableSize(footer: Uint8Array): number {
  const { count, entrySize } = parseFooter(footer);
  return HEADER_SIZE + count * entrySize + FOOTER_SIZE;
}

/**
 * @param table as large as `seekTableSize` says: the end of the file
 * @param fileSize of all of the file
 * @throws TransportError `bad-artifact` for one whose frames do not fill the file, and for one that unpacks to more than a frame may
 */
export function parseSeekTable(table: Uint8Array, fileSize: number, frameLimit: number): Frame[] {
  if (table.length < HEADER_SIZE + FOOTER_SIZE) throw bad('is cut short');
  const { count, entrySize } = parseFooter(table.subarray(-FOOTER_SIZE));
  const view = viewOf(table);
  if (table.length !== HEADER_SIZE + count * entrySize + FOOTER_SIZE)
    throw bad('has another size than it says');
  const isFramed =
    view.getUint32(0, true) === SKIPPABLE_MAGIC && view.getUint32(4, true) === table.length - HEADER_SIZE;
  if (!isFramed) throw bad('does not begin as one');
  const frames: Frame[] = [];
  let filled = table.length;
  for (let index = 0; index < count; index++) {
    const at = HEADER_SIZE + index * entrySize;
    const frame = { compressed: view.getUint32(at, true), size: view.getUint32(at + 4, true) };
    if (frame.compressed === 0 || frame.size === 0 || frame.size > frameLimit) {
      throw bad(`has the frame ${index} of ${frame.compressed} bytes, unpacked ${frame.size}`);
    }
    filled += frame.compressed;
    frames.push(frame);
  }
  if (filled !== fileSize) throw bad(`accounts for ${filled} bytes of ${fileSize}`);
  return frames;
}

function parseFooter(footer: Uint8Array): { readonly count: number; readonly entrySize: number } {
  if (footer.length !== FOOTER_SIZE) throw bad('is cut short');
  const view = viewOf(footer);
  if (view.getUint32(5, true) !== SEEKABLE_MAGIC) throw bad('is missing');
  const descriptor = view.getUint8(4);
  if ((descriptor & ~CHECKSUMS) !== 0) throw bad(`is of a version that is not known: ${descriptor}`);
  const count = view.getUint32(0, true);
  if (count === 0 || count > FRAMES_LIMIT) throw bad(`has ${count} frames`);
  return { count, entrySize: ENTRY_SIZE + (descriptor === 0 ? 0 : CHECKSUM_SIZE) };
}

function bad(what: string): TransportError {
  return new TransportError('bad-artifact', `the table of frames ${what}`);
}
