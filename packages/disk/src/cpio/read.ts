import {
  alignUp,
  type ByteSource,
  type ByteString,
  byteString,
  readExactly,
  sliceSource,
  toText,
} from '@cairn/bytes';
import { type Attributes, type Inode, makeDirectory, NO_XATTRS } from '@cairn/tree';
import { DiskError } from '../error.ts';
import {
  ALIGNMENT,
  type CpioHeader,
  FIELDS,
  HEADER_SIZE,
  MAGIC,
  MAX_PATH,
  TRAILER,
  TYPE_BITS,
  TYPE_MASK,
} from './format.ts';

/** One entry of an archive. Directories have no entries of their own here: paths tell what is in them. */
export interface CpioEntry {
  /** As stored, without a leading slash in archives made well. */
  readonly name: ByteString;
  readonly inode: Inode;
  /**
   * Entries with the same number, and more than one link, are one inode. Only one of them, as a rule the last, has its
   * bytes; the others are empty.
   */
  readonly ino: number;
  readonly links: number;
}

const FIELD_SIZE = 8;
const ZERO_CHUNK = 64 * 1024;
const HEX = /^[0-9a-fA-F]+$/;

/**
 * Reads archives in the kernel's initramfs format, one after another with zeros between, as the kernel does. Contents
 * are slices of the source: nothing is held.
 *
 * @throws DiskError `cpio-malformed`, naming the offset, for anything else: other formats, compressed parts, an archive
 * that ends without its trailer
 */
export async function* readCpio(
  source: ByteSource,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<CpioEntry> {
  const { signal } = options;
  let position = 0;
  let inArchive = false;
  while (true) {
    signal?.throwIfAborted();
    if (!inArchive) position = await skipZeros(source, position, signal);
    if (position === source.size && !inArchive) return;
    const { header, name } = await readHeader(source, position, signal);
    const start = position + alignUp(HEADER_SIZE + header.nameSize, ALIGNMENT);
    inArchive = name !== TRAILER;
    if (inArchive) {
      check(start + header.size <= source.size, position, `the content of "${toText(name)}" is cut off`);
      yield {
        name,
        inode: await inodeOf(header, { source, start, signal }),
        ino: header.ino,
        links: header.links,
      };
    }
    // The last padding may be missing at the end of the file.
    position = Math.min(source.size, start + alignUp(header.size, ALIGNMENT));
  }
}

/** Where the next byte is that is not zero, or the source's end. */
async function skipZeros(source: ByteSource, start: number, signal?: AbortSignal): Promise<number> {
  for (let position = start; position < source.size; position += ZERO_CHUNK) {
    const chunk = await readExactly(source, position, Math.min(ZERO_CHUNK, source.size - position), signal);
    const index = chunk.findIndex((byte) => byte !== 0);
    if (index < 0) continue;
    const found = position + index;
    check(found % ALIGNMENT === 0, found, 'an archive starts at a multiple of four');
    return found;
  }
  return source.size;
}

async function readHeader(
  source: ByteSource,
  position: number,
  signal?: AbortSignal,
): Promise<{ header: CpioHeader; name: ByteString }> {
  check(position + HEADER_SIZE <= source.size, position, 'the archive is cut off, there is no trailer');
  const header = parseHeader(byteString(await readExactly(source, position, HEADER_SIZE, signal)), position);
  const { nameSize } = header;
  check(nameSize > 1 && nameSize <= MAX_PATH, position, `a name cannot have ${nameSize} bytes`);
  check(position + HEADER_SIZE + nameSize <= source.size, position, 'a name is cut off');
  const name = byteString(await readExactly(source, position + HEADER_SIZE, nameSize, signal));
  check(name.indexOf('\0') === nameSize - 1, position, 'a name does not end where its header says');
  return { header, name: name.slice(0, -1) };
}

function parseHeader(text: ByteString, position: number): CpioHeader {
  check(text.startsWith(MAGIC), position, `there is no header of the "newc" format ("${MAGIC}")`);
  const digits = text.slice(MAGIC.length);
  check(HEX.test(digits), position, 'a header has something else than hexadecimal digits');
  const values = FIELDS.map((field, index) => [
    field,
    Number.parseInt(digits.slice(index * FIELD_SIZE, (index + 1) * FIELD_SIZE), 16),
  ]);
  return Object.fromEntries(values) as CpioHeader;
}

interface Body {
  readonly source: ByteSource;
  readonly start: number;
  readonly signal: AbortSignal | undefined;
}

async function inodeOf(header: CpioHeader, body: Body): Promise<Inode> {
  const { source, start, signal } = body;
  const attributes: Attributes = {
    mode: header.mode & 0o7777,
    uid: header.uid,
    gid: header.gid,
    mtime: { seconds: header.mtime, nanoseconds: 0 },
    xattrs: NO_XATTRS,
  };
  const kind = kindOf(header.mode, start);
  check(kind === 'file' || kind === 'symlink' || header.size === 0, start, `a ${kind} has content`);
  switch (kind) {
    case 'file':
      return { kind, ...attributes, content: sliceSource(source, start, header.size) };
    case 'symlink': {
      check(header.size > 0 && header.size < MAX_PATH, start, `a link cannot have ${header.size} bytes`);
      return {
        kind,
        ...attributes,
        target: byteString(await readExactly(source, start, header.size, signal)),
      };
    }
    case 'directory':
      return makeDirectory(attributes);
    case 'character-device':
    case 'block-device':
      return { kind, ...attributes, major: header.deviceMajor, minor: header.deviceMinor };
    default:
      return { kind, ...attributes };
  }
}

function kindOf(mode: number, position: number): Inode['kind'] {
  for (const [kind, bits] of Object.entries(TYPE_BITS)) {
    if ((mode & TYPE_MASK) === bits) return kind as Inode['kind'];
  }
  throw malformed(position, `mode 0${mode.toString(8)} is of no kind of file`);
}

function check(holds: boolean, position: number, problem: string): void {
  if (!holds) throw malformed(position, problem);
}

function malformed(position: number, problem: string): DiskError {
  return new DiskError('cpio-malformed', `the cpio archive is damaged at byte ${position}: ${problem}`);
}
