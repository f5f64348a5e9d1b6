import { alignUp, type ByteString, byteString, bytesOf, compareBytes, toText, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE, XATTR_PREFIXES } from './format.ts';

export type Xattrs = ReadonlyMap<ByteString, Uint8Array>;

/** In the prefix number: the prefix is one that the image itself defines. */
const LONG_PREFIX = 0x80;
const VALUE_LIMIT = 0xffff;
const NAME_LIMIT = 0xff;
/** What `i_xattr_icount` can count. */
const TOTAL_LIMIT = XATTR_HEADER_SIZE + 0xfffe * XATTR_ENTRY_SIZE;

/** A name without its well-known start, and the number that stands for that. */
interface SplitName {
  readonly index: number;
  readonly rest: ByteString;
}

function splitName(name: ByteString): SplitName | undefined {
  for (const { index, prefix, whole } of XATTR_PREFIXES) {
    if (whole ? name === prefix : name.startsWith(prefix) && name.length > prefix.length) {
      return { index, rest: name.slice(prefix.length) };
    }
  }
  return undefined;
}

/** The full name of a stored one, or undefined where there is none. */
function joinName(index: number, rest: ByteString): ByteString | undefined {
  const known = XATTR_PREFIXES.find((prefix) => prefix.index === index);
  if (known === undefined || (known.whole === true) !== (rest === '')) return undefined;
  return known.prefix + rest;
}

function entrySize(restLength: number, valueLength: number): number {
  return alignUp(XATTR_ENTRY_SIZE + restLength + valueLength, XATTR_ENTRY_SIZE);
}

/**
 * The bytes that the extended attributes take after their inode.
 *
 * @param path names the file in errors
 * @throws DiskError `erofs-invalid-request` for a name that EROFS has no place for, `erofs-too-large`
 */
export function xattrSize(xattrs: Xattrs, path: () => string): number {
  if (xattrs.size === 0) return 0;
  let size = XATTR_HEADER_SIZE;
  for (const [name, value] of xattrs) {
    const split = splitName(name);
    if (split === undefined) {
      throw new DiskError(
        'erofs-invalid-request',
        `${path()}: EROFS cannot hold the extended attribute ${toText(name)}`,
        { hint: 'it holds user., trusted. and security. attributes and POSIX ACLs' },
      );
    }
    if (split.rest.length > NAME_LIMIT || value.length > VALUE_LIMIT) {
      throw new DiskError(
        'erofs-too-large',
        `${path()}: the extended attribute ${toText(name)} is too long: a name may have ${NAME_LIMIT} bytes, a value ${VALUE_LIMIT}`,
      );
    }
    size += entrySize(split.rest.length, value.length);
  }
  if (size > TOTAL_LIMIT) {
    throw new DiskError(
      'erofs-too-large',
      `${path()}: its extended attributes take ${size} bytes, EROFS allows ${TOTAL_LIMIT}`,
    );
  }
  return size;
}

/** Writes the header and all entries, in byte order of the names, to `bytes`, which must be zeros and of `xattrSize`. */
export function encodeXattrs(xattrs: Xattrs, bytes: Uint8Array): void {
  let position = XATTR_HEADER_SIZE;
  for (const [name, value] of [...xattrs].sort((a, b) => compareBytes(a[0], b[0]))) {
    const { index, rest } = splitName(name) as SplitName;
    bytes[position] = rest.length;
    bytes[position + 1] = index;
    bytes[position + 2] = value.length & 0xff;
    bytes[position + 3] = value.length >> 8;
    bytes.set(bytesOf(rest), position + XATTR_ENTRY_SIZE);
    bytes.set(value, position + XATTR_ENTRY_SIZE + rest.length);
    position += entrySize(rest.length, value.length);
  }
}

/** An attribute as it is stored, and the bytes that it takes. */
export interface StoredXattr {
  readonly name: ByteString;
  readonly value: Uint8Array;
  readonly size: number;
}

/** What follows an inode: attributes of its own, and the numbers of those that it shares with others. */
export interface InlineXattrs {
  readonly own: readonly StoredXattr[];
  readonly shared: readonly number[];
}

/**
 * Reads the bytes after an inode that hold its extended attributes.
 *
 * @param where names the inode in errors
 * @throws DiskError `erofs-malformed` or `erofs-unsupported`
 */
export function parseXattrs(bytes: Uint8Array, where: string): InlineXattrs {
  if (bytes.length === 0) return { own: [], shared: [] };
  const sharedCount = bytes[4] ?? 0;
  let position = XATTR_HEADER_SIZE + sharedCount * 4;
  if (position > bytes.length) {
    throw new DiskError('erofs-malformed', `${where} has no room for its ${sharedCount} shared attributes`);
  }
  const view = viewOf(bytes);
  const shared = Array.from({ length: sharedCount }, (_, i) =>
    view.getUint32(XATTR_HEADER_SIZE + i * 4, true),
  );
  const own: StoredXattr[] = [];
  while (position < bytes.length) {
    const entry = parseXattr(bytes.subarray(position), where);
    own.push(entry);
    position += entry.size;
  }
  return { own, shared };
}

/** The bytes that an attribute takes, from the four that it starts with. */
export function xattrEntrySize(start: Uint8Array): number {
  return entrySize(start[0] ?? 0, (start[2] ?? 0) | ((start[3] ?? 0) << 8));
}

/** Reads one attribute from bytes that start with it. */
export function parseXattr(bytes: Uint8Array, where: string): StoredXattr {
  const size = xattrEntrySize(bytes);
  if (size > bytes.length) {
    throw new DiskError('erofs-malformed', `${where} has an extended attribute that goes beyond its end`);
  }
  const [nameLength = 0, index = 0, low = 0, high = 0] = bytes;
  const valueStart = XATTR_ENTRY_SIZE + nameLength;
  const rest = byteString(bytes.subarray(XATTR_ENTRY_SIZE, valueStart));
  const name = joinName(index, rest);
  if (name === undefined) {
    const kind = index & LONG_PREFIX ? 'a long prefix' : `the prefix number ${index}`;
    throw new DiskError('erofs-unsupported', `${where} has an extended attribute with ${kind}`);
  }
  if (name.includes('\0')) {
    throw new DiskError('erofs-malformed', `${where} has an extended attribute with a zero byte in its name`);
  }
  return { name, value: bytes.slice(valueStart, valueStart + (low | (high << 8))), size };
}
