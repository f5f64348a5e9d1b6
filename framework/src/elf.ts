import { byteString, viewOf } from '@cairn/bytes';
import { FrameworkError } from './error.ts';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const SEGMENT_SIZE = 56;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** PATH_MAX in Linux. */
const NAME_LIMIT = 4096;
/** All names may be one and the same, so that their number is what bounds the result. */
const NEEDED_LIMIT = 1024;

export interface ElfDependencies {
  /** The loader that the kernel starts it with; undefined in libraries and static programs. */
  readonly interpreter: string | undefined;
  /** The names of the libraries it is linked to. */
  readonly needed: readonly string[];
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/**
 * What a 64-bit little-endian ELF file needs to run (System V gABI, chapters 4 and 5).
 *
 * @param name names the file in errors
 * @throws FrameworkError `bad-elf`
 */
export function parseElf(bytes: Uint8Array, name: string): ElfDependencies {
  if (!isElf(bytes) || bytes[4] !== CLASS_64 || bytes[5] !== LITTLE_ENDIAN) {
    throw new FrameworkError('bad-elf', `${name} is not a 64-bit little-endian ELF file`);
  }
  try {
    return readDependencies(bytes);
  } catch (cause) {
    // A view throws it for each offset that lies outside of the file, and the checks below do too.
    if (!(cause instanceof RangeError)) throw cause;
    throw new FrameworkError('bad-elf', `${name} is not a whole ELF file: ${cause.message}`, { cause });
  }
}

function readDependencies(bytes: Uint8Array): ElfDependencies {
  const segments = readSegments(viewOf(bytes));
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  return {
    interpreter: interpreter && textAt(bytes, interpreter.offset),
    needed: dynamic === undefined ? [] : readNeeded(bytes, dynamic, segments),
  };
}

function readSegments(view: DataView): Segment[] {
  const start = numberAt(view, 32);
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  // Or one header could be read as 65,535 segments.
  if (count > 0 && size < SEGMENT_SIZE) throw new RangeError('its program headers are too small');
  const segments: Segment[] = [];
  for (let index = 0; index < count; index++) {
    const at = start + index * size;
    segments.push({
      type: view.getUint32(at, true),
      offset: numberAt(view, at + 8),
      address: numberAt(view, at + 16),
      size: numberAt(view, at + 32),
    });
  }
  return segments;
}

/** The names of DT_NEEDED. They lie in a table that is given by its address in memory: a segment tells where that is in the file. */
function readNeeded(bytes: Uint8Array, dynamic: Segment, segments: readonly Segment[]): string[] {
  const view = viewOf(bytes);
  const offsets: number[] = [];
  let address = 0;
  // Whatever size is claimed, this ends where the file does: there is nothing to be read behind it.
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = numberAt(view, at);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) offsets.push(numberAt(view, at + 8));
    if (tag === DT_STRTAB) address = numberAt(view, at + 8);
  }
  if (offsets.length > NEEDED_LIMIT) throw new RangeError(`it needs more than ${NEEDED_LIMIT} libraries`);
  const home = segments.find(
    (segment) =>
      segment.type === PT_LOAD && segment.address <= address && address < segment.address + segment.size,
  );
  if (offsets.length > 0 && home === undefined) throw new RangeError('its names are in no segment');
  const names = home === undefined ? 0 : address - home.address + home.offset;
  return offsets.map((offset) => textAt(bytes, names + offset));
}

function numberAt(view: DataView, position: number): number {
  return Number(view.getBigUint64(position, true));
}

function textAt(bytes: Uint8Array, position: number): string {
  const end = bytes.subarray(position, position + NAME_LIMIT).indexOf(0);
  if (end < 0) throw new RangeError('a name in it does not end');
  return byteString(bytes.subarray(position, position + end));
}
