import {
  alignUp,
  type ByteSource,
  type ByteString,
  bytesOf,
  concatSource,
  memorySource,
  toText,
} from '@cairn/bytes';
import type { Found, Inode, RegularFile } from '@cairn/tree';
import { DiskError } from '../error.ts';
import {
  ALIGNMENT,
  type CpioHeader,
  FIELDS,
  HEADER_SIZE,
  MAGIC,
  MAX_FIELD,
  MAX_PATH,
  TRAILER,
  TYPE_BITS,
} from './format.ts';

export interface CpioOptions {
  /** Seconds since 1970: later times become this one, as with SOURCE_DATE_EPOCH. */
  readonly clampTime?: number;
}

const ARCHIVE_ALIGNMENT = 512;

/**
 * An archive in the kernel's initramfs format ("newc"), as bytes that are made when they are read: copy it to a
 * target, stream it by `chunksOf`, or put it into a UKI as it is. Only headers are held, about 300 bytes an entry.
 *
 * Entries come in the order given, parents before children (`cpioArchive(walk(tree))`); paths lose their leading
 * slash and the root becomes `.`. One inode under several names is a hard link: its bytes follow the last name.
 * Inode numbers count from 1. The format has no place for extended attributes, nor for times before 1970.
 *
 * @throws DiskError `cpio-unsupported` for what the format or the kernel cannot take: a file of 4 GiB or more, a
 * path or link target over 4095 bytes, a name that is the trailer's
 */
export function cpioArchive(entries: Iterable<Found>, options: CpioOptions = {}): ByteSource {
  const members = numberInodes(entries);
  const parts: ByteSource[] = [];
  let text: ByteString = '';
  let size = 0;
  for (const member of members) {
    const header = headerOf(member, options.clampTime ?? MAX_FIELD);
    text += encodeMember(header, member.name);
    size += HEADER_SIZE + header.nameSize;
    size = alignUp(size, ALIGNMENT) + alignUp(header.size, ALIGNMENT);
    if (member.inode.kind === 'symlink') {
      text += member.inode.target;
    } else if (member.inode.kind === 'file' && header.size > 0) {
      parts.push(memorySource(bytesOf(text)), member.inode.content);
      text = '';
    }
    text += zeros(header.size, ALIGNMENT);
  }
  text += encodeMember(TRAILER_HEADER, TRAILER);
  size += alignUp(HEADER_SIZE + TRAILER_HEADER.nameSize, ALIGNMENT);
  text += zeros(size, ARCHIVE_ALIGNMENT);
  return concatSource([...parts, memorySource(bytesOf(text))]);
}

interface Member {
  readonly name: ByteString;
  readonly inode: Inode;
  readonly ino: number;
  /** How many names of the archive this inode has. */
  readonly links: number;
  readonly lastName: boolean;
}

function numberInodes(entries: Iterable<Found>): Member[] {
  const list = [...entries];
  const numbers = new Map<Inode, { readonly ino: number; links: number; last: number }>();
  for (const [index, { inode }] of list.entries()) {
    const known = numbers.get(inode);
    if (known === undefined) {
      numbers.set(inode, { ino: numbers.size + 1, links: 1, last: index });
    } else {
      known.links++;
      known.last = index;
    }
  }
  return list.map(({ path, inode }, index) => {
    const { ino, links, last } = numbers.get(inode) ?? { ino: 0, links: 1, last: index };
    return { name: checkedName(path), inode, ino, links, lastName: last === index };
  });
}

function checkedName(path: ByteString): ByteString {
  const name = path.replace(/^\/+/, '') || '.';
  if (name === TRAILER) {
    throw new DiskError('cpio-unsupported', `a file named "${TRAILER}" would end the archive`);
  }
  if (name.length >= MAX_PATH || name.includes('\0')) {
    throw new DiskError(
      'cpio-unsupported',
      `"${toText(name.slice(0, 80))}": the path has ${name.length} bytes or a NUL; the kernel takes ${MAX_PATH - 1} bytes`,
    );
  }
  return name;
}

function headerOf(member: Member, clampTime: number): CpioHeader {
  const { inode, name } = member;
  const isDevice = inode.kind === 'character-device' || inode.kind === 'block-device';
  return {
    ino: member.ino,
    mode: TYPE_BITS[inode.kind] | inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    links: inode.kind === 'directory' ? 2 : member.links,
    mtime: Math.max(0, Math.min(inode.mtime.seconds, clampTime, MAX_FIELD)),
    size: dataSize(member),
    major: 0,
    minor: 0,
    deviceMajor: isDevice ? inode.major : 0,
    deviceMinor: isDevice ? inode.minor : 0,
    nameSize: name.length + 1,
    check: 0,
  };
}

function dataSize({ inode, name, lastName }: Member): number {
  if (inode.kind === 'file') return lastName ? fileSize(inode, name) : 0;
  if (inode.kind !== 'symlink') return 0;
  if (inode.target.length >= MAX_PATH) {
    throw new DiskError(
      'cpio-unsupported',
      `"${toText(name)}" links to a path of ${inode.target.length} bytes; the kernel takes ${MAX_PATH - 1}`,
    );
  }
  return inode.target.length;
}

function fileSize(file: RegularFile, name: ByteString): number {
  if (file.content.size <= MAX_FIELD) return file.content.size;
  throw new DiskError(
    'cpio-unsupported',
    `"${toText(name)}" has ${file.content.size} bytes; a cpio archive takes less than 4 GiB a file`,
  );
}

const TRAILER_HEADER: CpioHeader = {
  ino: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  links: 1,
  mtime: 0,
  size: 0,
  major: 0,
  minor: 0,
  deviceMajor: 0,
  deviceMinor: 0,
  nameSize: TRAILER.length + 1,
  check: 0,
};

/** Header and name, up to where the content starts. */
function encodeMember(header: CpioHeader, name: ByteString): ByteString {
  const digits = FIELDS.map((field) => header[field].toString(16).padStart(8, '0')).join('');
  return `${MAGIC}${digits}${name}\0${zeros(HEADER_SIZE + header.nameSize, ALIGNMENT)}`;
}

/** What is missing from `size` to a multiple of `unit`. */
function zeros(size: number, unit: number): ByteString {
  return '\0'.repeat(alignUp(size, unit) - size);
}
