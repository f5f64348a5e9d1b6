/** Archives are made of blocks of this many bytes. */
export const BLOCK = 512;

interface Field {
  readonly start: number;
  readonly length: number;
}

/** A header block: POSIX.1-2017, pax, "ustar Interchange Format"; the GNU and star fields as their manuals give them. */
export const FIELD = {
  name: { start: 0, length: 100 },
  mode: { start: 100, length: 8 },
  uid: { start: 108, length: 8 },
  gid: { start: 116, length: 8 },
  size: { start: 124, length: 12 },
  mtime: { start: 136, length: 12 },
  checksum: { start: 148, length: 8 },
  type: { start: 156, length: 1 },
  linkName: { start: 157, length: 100 },
  /** With the version that follows it, which old GNU overwrites. */
  magic: { start: 257, length: 8 },
  major: { start: 329, length: 8 },
  minor: { start: 337, length: 8 },
  prefix: { start: 345, length: 155 },
  /** star ends its blocks with a mark of its own and keeps times in what is the end of the prefix elsewhere. */
  starPrefix: { start: 345, length: 131 },
  starMark: { start: 508, length: 4 },
  /** Old GNU sparse files (type `S`): four ranges, a flag that more blocks of ranges follow, the real size. */
  sparseMap: { start: 386, length: 96 },
  sparseExtended: { start: 482, length: 1 },
  sparseRealSize: { start: 483, length: 12 },
  /** The blocks that follow hold 21 ranges and the flag again. */
  extensionMap: { start: 0, length: 504 },
  extensionExtended: { start: 504, length: 1 },
} as const satisfies Record<string, Field>;

/** One range of an old GNU sparse map: offset and length, 12 bytes each. */
export const SPARSE_RANGE = { length: 24, number: 12 } as const;

export const USTAR_MAGIC = 'ustar\0';
export const USTAR_VERSION = '00';
export const GNU_MAGIC = 'ustar  \0';
export const STAR_MARK = 'tar\0';

/** The sum of a header's bytes, its checksum field counted as spaces. */
export function checksumOf(block: Uint8Array): number {
  let sum = FIELD.checksum.length * 0x20;
  for (let index = 0; index < FIELD.checksum.start; index++) sum += block[index] ?? 0;
  for (let index = FIELD.type.start; index < BLOCK; index++) sum += block[index] ?? 0;
  return sum;
}

/** The same with signed bytes, as some systems' first tar programs summed them. */
export function signedChecksumOf(block: Uint8Array): number {
  let sum = checksumOf(block);
  for (let index = 0; index < BLOCK; index++) {
    const inField = index >= FIELD.checksum.start && index < FIELD.type.start;
    if (!inField && (block[index] ?? 0) >= 0x80) sum -= 0x100;
  }
  return sum;
}
