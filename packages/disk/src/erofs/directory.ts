import { type ByteString, byteString, toText, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { BLOCK_SIZE, DIRENT_SIZE, NAME_LIMIT } from './format.ts';

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: ByteString;
  readonly nid: number;
  /** The `dirent` number of the kind. */
  readonly type: number;
}

/** How the names of a directory fall into blocks: as many into each, in order, as fit. */
export interface DirectorySplit {
  /** The index of the first name after the block. */
  readonly end: number;
  /** The bytes used of the block. */
  readonly used: number;
}

/** The names, in byte order and with `.` and `..` among them, that go into the block which starts with name `start`. */
export function splitDirectory(names: readonly ByteString[], start: number): DirectorySplit {
  let used = 0;
  let end = start;
  for (; end < names.length; end++) {
    const size = DIRENT_SIZE + (names[end] as ByteString).length;
    if (used + size > BLOCK_SIZE) break;
    used += size;
  }
  return { end, used };
}

/** The size of a directory: all blocks but the last count as full. */
export function directorySize(names: readonly ByteString[]): number {
  let size = 0;
  for (let start = 0; start < names.length; ) {
    const { end, used } = splitDirectory(names, start);
    size += end < names.length ? BLOCK_SIZE : used;
    start = end;
  }
  return size;
}

/** Writes one block of a directory to the start of `bytes`; what the names leave of `bytes` becomes zeros. */
export function encodeDirectoryBlock(entries: readonly DirectoryEntry[], bytes: Uint8Array): void {
  const view = viewOf(bytes);
  let nameOffset = entries.length * DIRENT_SIZE;
  let position = 0;
  for (const { name, nid, type } of entries) {
    view.setUint32(position, nid % 2 ** 32, true);
    view.setUint32(position + 4, Math.floor(nid / 2 ** 32), true);
    view.setUint16(position + 8, nameOffset, true);
    view.setUint8(position + 10, type);
    view.setUint8(position + 11, 0);
    putText(name, bytes, nameOffset);
    position += DIRENT_SIZE;
    nameOffset += name.length;
  }
  bytes.fill(0, nameOffset);
}

/** A loop is faster than an encoder's call for text as short as names are. */
export function putText(text: ByteString, bytes: Uint8Array, position: number): void {
  for (let i = 0; i < text.length; i++) bytes[position + i] = text.charCodeAt(i);
}

/**
 * Reads one block of a directory; the last one is as long as the directory's size leaves it.
 *
 * @param where names the block in errors
 * @throws DiskError `erofs-malformed`
 */
export function parseDirectoryBlock(block: Uint8Array, where: string): DirectoryEntry[] {
  const view = viewOf(block);
  // The names follow the entries, so where the first name starts tells how many entries there are.
  const names = block.length < DIRENT_SIZE ? 0 : view.getUint16(8, true);
  if (names < DIRENT_SIZE || names > block.length || names % DIRENT_SIZE !== 0) {
    throw new DiskError('erofs-malformed', `${where} has its first name at byte ${names} of ${block.length}`);
  }
  const entries: DirectoryEntry[] = [];
  for (let position = 0; position < names; position += DIRENT_SIZE) {
    const start = view.getUint16(position + 8, true);
    const isLast = position + DIRENT_SIZE === names;
    const end = isLast ? endOfLastName(block, start) : view.getUint16(position + DIRENT_SIZE + 8, true);
    if (start < names || end <= start || end > block.length || end - start > NAME_LIMIT) {
      throw new DiskError('erofs-malformed', `${where} has a name from byte ${start} to ${end}`);
    }
    const name = byteString(block.subarray(start, end));
    if (name.includes('/') || name.includes('\0')) {
      throw new DiskError(
        'erofs-malformed',
        `${where} has the impossible name ${JSON.stringify(toText(name))}`,
      );
    }
    const nid = Number(view.getBigUint64(position, true));
    entries.push({ name, nid, type: view.getUint8(position + 10) });
  }
  return entries;
}

/** The last name ends with the block, or with the zeros that fill it up. */
function endOfLastName(block: Uint8Array, start: number): number {
  const zero = block.indexOf(0, start);
  return zero < 0 ? block.length : zero;
}
