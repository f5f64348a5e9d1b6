import { viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import {
  COMPACT_INODE_SIZE,
  type ErofsKind,
  EXTENDED_INODE_SIZE,
  KINDS,
  LAYOUT_CHUNKED,
  LAYOUT_COMPRESSED_COMPACT,
  LAYOUT_COMPRESSED_FULL,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  XATTR_ENTRY_SIZE,
  XATTR_HEADER_SIZE,
} from './format.ts';

/** An inode as it is stored. */
export interface StoredInode {
  readonly extended: boolean;
  readonly kind: ErofsKind;
  /** `0o0000` to `0o7777` */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** Only extended inodes have a time of their own. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** In bytes. */
  readonly size: number;
  readonly layout: typeof LAYOUT_PLAIN | typeof LAYOUT_INLINE | typeof LAYOUT_CHUNKED;
  /** The first block of the data, the number of a device, or the format of the chunk index. */
  readonly location: number;
  /** The bytes of the extended attributes that follow. */
  readonly xattrSize: number;
  /** The number that 32-bit programs see. */
  readonly number: number;
}

const TYPE_MASK = 0o170000;
const TWO_32 = 2 ** 32;

const kindByMode: ReadonlyMap<number, ErofsKind> = new Map(
  (Object.keys(KINDS) as ErofsKind[]).map((kind) => [KINDS[kind].mode, kind]),
);

export function inodeSize(extended: boolean): number {
  return extended ? EXTENDED_INODE_SIZE : COMPACT_INODE_SIZE;
}

/** Writes the 32 or 64 bytes of an inode to the start of `bytes`, which must be zeros there. */
export function encodeInode(inode: StoredInode, bytes: Uint8Array): void {
  const view = viewOf(bytes);
  view.setUint16(0, inode.layout * 2 + (inode.extended ? 1 : 0), true);
  view.setUint16(2, xattrCount(inode.xattrSize), true);
  view.setUint16(4, KINDS[inode.kind].mode | inode.mode, true);
  view.setUint32(16, inode.location, true);
  view.setUint32(20, inode.number, true);
  if (!inode.extended) {
    view.setUint16(6, inode.links, true);
    view.setUint32(8, inode.size, true);
    view.setUint16(24, inode.uid, true);
    view.setUint16(26, inode.gid, true);
    return;
  }
  setInt64(view, 8, inode.size);
  view.setUint32(24, inode.uid, true);
  view.setUint32(28, inode.gid, true);
  setInt64(view, 32, inode.seconds);
  view.setUint32(40, inode.nanoseconds, true);
  view.setUint32(44, inode.links, true);
}

/** Whether an inode is of the 64-byte form: known from its first two bytes. */
export function isExtended(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 1) === 1;
}

/**
 * Reads an inode from the bytes that start with it.
 *
 * @param where names the inode in errors, as in `inode 128`
 * @throws DiskError `erofs-malformed` or `erofs-unsupported`
 */
export function parseInode(bytes: Uint8Array, where: string): StoredInode {
  const extended = isExtended(bytes);
  if (bytes.length < inodeSize(extended)) {
    throw new DiskError('erofs-malformed', `${where} goes beyond the end of the image`);
  }
  const view = viewOf(bytes);
  const format = view.getUint16(0, true);
  const modeBits = view.getUint16(4, true);
  const kind = kindByMode.get(modeBits & TYPE_MASK);
  if (kind === undefined) {
    throw new DiskError('erofs-malformed', `${where} has the unknown file mode 0o${modeBits.toString(8)}`);
  }
  const common = {
    extended,
    kind,
    mode: modeBits & 0o7777,
    layout: knownLayout(format, where),
    location: view.getUint32(16, true),
    number: view.getUint32(20, true),
    xattrSize: xattrSizeOf(view.getUint16(2, true)),
  };
  if (!extended) {
    return {
      ...common,
      links: view.getUint16(6, true),
      size: view.getUint32(8, true),
      uid: view.getUint16(24, true),
      gid: view.getUint16(26, true),
      seconds: 0,
      nanoseconds: 0,
    };
  }
  const size = Number(view.getBigUint64(8, true));
  const seconds = Number(view.getBigInt64(32, true));
  const nanoseconds = view.getUint32(40, true);
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(seconds) || nanoseconds > 999_999_999) {
    throw new DiskError('erofs-malformed', `${where} has an impossible size or time`);
  }
  return {
    ...common,
    links: view.getUint32(44, true),
    size,
    uid: view.getUint32(24, true),
    gid: view.getUint32(28, true),
    seconds,
    nanoseconds,
  };
}

function knownLayout(format: number, where: string): StoredInode['layout'] {
  const layout = (format >> 1) & 7;
  switch (layout) {
    case LAYOUT_PLAIN:
    case LAYOUT_INLINE:
    case LAYOUT_CHUNKED:
      if (format >> 4 !== 0) {
        throw new DiskError('erofs-unsupported', `${where} has the unknown format 0x${format.toString(16)}`);
      }
      return layout;
    case LAYOUT_COMPRESSED_FULL:
    case LAYOUT_COMPRESSED_COMPACT:
      throw new DiskError('erofs-unsupported', `${where} is compressed`, {
        hint: 'only uncompressed images are read: make it with mkfs.erofs without -z',
      });
    default:
      throw new DiskError('erofs-malformed', `${where} has the unknown data layout ${layout}`);
  }
}

/** `i_xattr_icount`: one for the header, one for each four bytes after it. */
function xattrCount(size: number): number {
  return size === 0 ? 0 : (size - XATTR_HEADER_SIZE) / XATTR_ENTRY_SIZE + 1;
}

function xattrSizeOf(count: number): number {
  return count === 0 ? 0 : XATTR_HEADER_SIZE + (count - 1) * XATTR_ENTRY_SIZE;
}

function setInt64(view: DataView, offset: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setUint32(offset, value - high * TWO_32, true);
  view.setInt32(offset + 4, high, true);
}

/** The device number as Linux stores it (`new_encode_dev`). */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

export function decodeDevice(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}
