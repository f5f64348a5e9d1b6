import { byteString, viewOf } from '@cairn/bytes';
import { SweepError } from '../error.ts';

/**
 * The format of the kernel's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst,
 * drivers/md/dm-log-writes.c), which QEMU's `blklogwrites` driver writes too (block/blklogwrites.c): little-endian, in
 * sectors of a size that the superblock names.
 *
 *     sector 0      superblock: magic, version, number of entries, sector size
 *     then, each    one sector with the entry, and the data behind it: `nr_sectors` sectors, none for a discard
 */
export const MAGIC = 0x6a736677736872n;
export const VERSION = 1n;
export const SUPERBLOCK_SIZE = 28;
export const ENTRY_SIZE = 32;

export const FLAG = { flush: 1, fua: 2, discard: 4, mark: 8 } as const;
const FLAG_MASK = 15n;

export const SUPERBLOCK = { magic: 0, version: 8, entries: 16, sectorSize: 24 } as const;
export const ENTRY = { sector: 0, sectors: 8, flags: 16, dataLength: 24 } as const;

/** The smallest that a disk has, and QEMU's limit. */
const MIN_SECTOR = 512;
const MAX_SECTOR = 1 << 23;

export interface LogSuperblock {
  /** As of the last flush that QEMU wrote down: what comes behind it was not finished. */
  readonly entries: number;
  /** Bytes: the unit of all positions in the log, and of the log itself. */
  readonly sectorSize: number;
}

/** What a guest did to its disk. Positions and sizes are in bytes. */
export interface LogEntry {
  /** Of the log, from 0. */
  readonly index: number;
  readonly position: number;
  readonly length: number;
  /** Everything before this entry was on the disk before it began. */
  readonly flush: boolean;
  /** This entry was on the disk when it ended. */
  readonly fua: boolean;
  readonly discard: boolean;
  /** The text of a mark; undefined for all else. */
  readonly mark: string | undefined;
  /** Where in the log the data is; nothing of a discard is. */
  readonly dataPosition: number;
  /** Where in the log the next entry is. */
  readonly next: number;
}

/** @throws SweepError `log-malformed` */
export function parseLogSuperblock(bytes: Uint8Array): LogSuperblock {
  check(bytes.length >= SUPERBLOCK_SIZE, 'it is shorter than a superblock');
  const view = viewOf(bytes);
  check(view.getBigUint64(SUPERBLOCK.magic, true) === MAGIC, 'its magic number is missing');
  const version = view.getBigUint64(SUPERBLOCK.version, true);
  check(version === VERSION, `it has version ${version}`);
  const sectorSize = view.getUint32(SUPERBLOCK.sectorSize, true);
  check(
    sectorSize >= MIN_SECTOR && sectorSize <= MAX_SECTOR && (sectorSize & (sectorSize - 1)) === 0,
    `its sectors cannot have ${sectorSize} bytes`,
  );
  return { entries: numberAt(view, SUPERBLOCK.entries, 'its number of entries'), sectorSize };
}

/**
 * Reads an entry from the bytes of its sector, which lies at `at` in the log.
 *
 * @throws SweepError `log-malformed`
 */
export function parseLogEntry(bytes: Uint8Array, index: number, at: number, sectorSize: number): LogEntry {
  const view = viewOf(bytes);
  const what = `entry ${index}`;
  check(bytes.length >= ENTRY_SIZE, `${what} is cut off`);
  const flags = view.getBigUint64(ENTRY.flags, true);
  check((flags & ~FLAG_MASK) === 0n, `${what} has flags 0x${flags.toString(16)}`);
  const has = (flag: number) => (Number(flags) & flag) !== 0;
  const position = numberAt(view, ENTRY.sector, `the sector of ${what}`) * sectorSize;
  const length = numberAt(view, ENTRY.sectors, `the size of ${what}`) * sectorSize;
  check(Number.isSafeInteger(position + length), `${what} is beyond all disks`);
  const dataLength = numberAt(view, ENTRY.dataLength, `the data of ${what}`);
  const isMark = has(FLAG.mark);
  // A mark's text lies in the entry's own sector.
  check(!isMark || ENTRY_SIZE + dataLength <= bytes.length, `${what} has a mark of ${dataLength} bytes`);
  check(!(isMark && length > 0), `${what} is a mark with data`);
  const dataPosition = at + sectorSize;
  return {
    index,
    position,
    length,
    flush: has(FLAG.flush),
    fua: has(FLAG.fua),
    discard: has(FLAG.discard),
    mark: isMark ? byteString(bytes.subarray(ENTRY_SIZE, ENTRY_SIZE + dataLength)) : undefined,
    dataPosition,
    next: dataPosition + (has(FLAG.discard) ? 0 : length),
  };
}

function numberAt(view: DataView, offset: number, what: string): number {
  const value = view.getBigUint64(offset, true);
  check(value <= BigInt(Number.MAX_SAFE_INTEGER), `${what} is ${value}`);
  return Number(value);
}

export function check(holds: boolean, problem: string): void {
  if (!holds) throw new SweepError('log-malformed', `this is no log of writes that can be read: ${problem}`);
}
