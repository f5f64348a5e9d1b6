/** What a made-up ELF file says of itself. */
export interface ElfSample {
  readonly interpreter?: string;
  readonly needed?: readonly string[];
}

const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const BASE = 0x40_0000;
const HEADER = 64;
const SEGMENT = 56;

/**
 * A 64-bit ELF file without code: only what tells of the libraries it needs. One segment is all of it, at BASE. The
 * dynamic section is its end: the table of names and its size, one entry a name, and the entry that ends it.
 */
export function makeElf({ interpreter, needed = [] }: ElfSample): Uint8Array {
  const kinds = [PT_LOAD, ...(interpreter === undefined ? [] : [PT_INTERP]), PT_DYNAMIC];
  const strings = ['', ...needed, interpreter ?? ''];
  const stringsAt = HEADER + kinds.length * SEGMENT;
  const offsets: number[] = [];
  let table = '';
  for (const text of strings) {
    offsets.push(table.length);
    table += `${text}\0`;
  }
  const dynamicAt = Math.ceil((stringsAt + table.length) / 8) * 8;
  const entries = [
    [DT_STRTAB, BASE + stringsAt],
    [DT_STRSZ, table.length],
    ...needed.map((_, index) => [DT_NEEDED, offsets[index + 1] ?? 0] as const),
    [DT_NULL, 0],
  ] as const;
  const bytes = new Uint8Array(dynamicAt + entries.length * 16);
  const view = new DataView(bytes.buffer);
  const put = (position: number, value: number) => view.setBigUint64(position, BigInt(value), true);

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true);
  view.setUint16(18, 62, true);
  view.setUint32(20, 1, true);
  put(32, HEADER);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, SEGMENT, true);
  view.setUint16(56, kinds.length, true);
  const interpreterAt = stringsAt + (offsets.at(-1) ?? 0);
  const places = new Map([
    [PT_LOAD, [0, bytes.length]],
    [PT_INTERP, [interpreterAt, (interpreter?.length ?? 0) + 1]],
    [PT_DYNAMIC, [dynamicAt, entries.length * 16]],
  ]);
  for (const [index, kind] of kinds.entries()) {
    const at = HEADER + index * SEGMENT;
    const [offset = 0, size = 0] = places.get(kind) ?? [];
    view.setUint32(at, kind, true);
    for (const [field, value] of [offset, BASE + offset, BASE + offset, size, size, 1].entries()) {
      put(at + 8 * (field + 1), value);
    }
  }
  bytes.set(new TextEncoder().encode(table), stringsAt);
  for (const [index, [tag, value]] of entries.entries()) {
    put(dynamicAt + index * 16, tag);
    put(dynamicAt + index * 16 + 8, value);
  }
  return bytes;
}
