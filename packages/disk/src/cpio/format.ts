import type { Inode } from '@cairn/tree';

/** What writer and reader share of the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */

export const MAGIC = '070701';
export const HEADER_SIZE = 110;
export const TRAILER = 'TRAILER!!!';
/** Headers, names and contents start at multiples of this. */
export const ALIGNMENT = 4;
/** Longer names and link targets are passed over by the kernel; both with the NUL at the end of the name. */
export const MAX_PATH = 4096;
export const MAX_FIELD = 0xffffffff;

/** The fields of eight hexadecimal digits after the magic, in their order. */
export const FIELDS = [
  'ino',
  'mode',
  'uid',
  'gid',
  'links',
  'mtime',
  'size',
  'major',
  'minor',
  'deviceMajor',
  'deviceMinor',
  'nameSize',
  'check',
] as const;

export type CpioHeader = Readonly<Record<(typeof FIELDS)[number], number>>;

export const TYPE_MASK = 0o170000;
export const TYPE_BITS: Readonly<Record<Inode['kind'], number>> = {
  socket: 0o140000,
  symlink: 0o120000,
  file: 0o100000,
  'block-device': 0o060000,
  directory: 0o040000,
  'character-device': 0o020000,
  fifo: 0o010000,
};
