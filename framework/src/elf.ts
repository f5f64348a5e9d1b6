import { byteString, viewOf } from '@cairn/bytes';
import { FrameworkError } from './error.ts';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

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

/** What a 64-bit little-endian ELF file needs to run (System V gABI, chapters 4 and 5). Throws `bad-elf`. */
export function parseElf(bytes: Uint8Array, name: string): ElfDependencies {
  try {
    return readDependencies(bytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FrameworkError('bad-elf', `${name} is not a whole ELF file`, { cause });
  }
}

function readDependencies(bytes: Uint8Array): ElfDependencies {
  const view = viewOf(bytes);
  const number = (position: number) => Number(view.getBigUint64(position, true));
  const textAt = (position: number) => {
    const end = bytes.indexOf(0, position);
    if (end < 0) throw new RangeError('a name does not end');
    return byteString(bytes.subarray(position, end));
  };

  const segments: Segment[] = [];
  const headers = number(32);
  const headerSize = view.getUint16(54, true);
  for (let index = 0; index < view.getUint16(56, true); index++) {
    const at = headers + index * headerSize;
    segments.push({
      type: view.getUint32(at, true),
      offset: number(at + 8),
      address: number(at + 16),
      size: number(at + 32),
    });
  }

  const interpreter = segments.find((segment) => segment.type === PT_INTERP);
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  const nameOffsets: number[] = [];
  let stringsAddress = 0;
  const entries = dynamic ?? { offset: 0, size: 0 };
  for (let at = entries.offset; at < entries.offset + entries.size; at += 16) {
    const tag = number(at);
    const value = number(at + 8);
    if (tag === DT_NEEDED) nameOffsets.push(value);
    if (tag === DT_STRTAB) stringsAddress = value;
  }
  const home = segments.find(
    ({ type, address, size }) =>
      type === PT_LOAD && address <= stringsAddress && stringsAddress < address + size,
  );
  const strings = home === undefined ? 0 : stringsAddress - home.address + home.offset;
  return {
    interpreter: interpreter === undefined ? undefined : textAt(interpreter.offset),
    needed: nameOffsets.map((offset) => textAt(strings + offset)),
  };
}
