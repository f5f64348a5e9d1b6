import {
  alignUp,
  type ByteSource,
  type ByteString,
  byteString,
  type Content,
  memorySource,
  sliceSource,
} from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { DEFAULT_LIMITS, ID_MAX, type TarEntry, type TarEntryKind, type TarLimits } from './entry.ts';
import { errorAt, type Place, quoted, TarError } from './error.ts';
import { type Header, parseHeader, parseOldGnuExtension, parseOldGnuMap } from './header.ts';
import { BLOCK } from './layout.ts';
import { NO_PAX, type Pax, type PaxSparse, parsePax } from './pax.ts';
import { coversAll, rangesOf, sparseContent } from './sparse.ts';
import { SparseMapParser } from './sparse-map.ts';
import { Window } from './window.ts';

/**
 * Reads an archive entry by entry: v7, ustar, pax, old GNU, star; sparse files of GNU tar in all four forms.
 * Contents are not read but given as views of `source`, which has to stay open for as long as they are used.
 * The archive ends with two blocks of zeros, whatever follows them, or with the source, after a whole entry.
 *
 * Paths are as they are in the archive: it is the caller who decides what `..` or a leading slash may do.
 *
 * @throws TarError `bad-header`, `truncated`, `unsupported`, `limit`: each names entry and byte
 */
export async function* readTar(
  source: ByteSource,
  options: { readonly signal?: AbortSignal; readonly limits?: Partial<TarLimits> } = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const archive = new Archive(source, { ...DEFAULT_LIMITS, ...options.limits }, options.signal);
  for (let entry = await archive.next(); entry !== undefined; entry = await archive.next()) yield entry;
}

const KINDS: ReadonlyMap<string, TarEntryKind> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['S', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['5', 'directory'],
  ['D', 'directory'],
  ['6', 'fifo'],
]);

const NO_CONTENT: Content = memorySource(new Uint8Array(0));

/** What the headers before an entry's own say of it. */
interface Extensions {
  /** Where the first of them is. */
  first?: Header;
  pax?: Pax;
  longName?: ByteString;
  longLink?: ByteString;
}

class Archive {
  readonly #source: ByteSource;
  readonly #limits: TarLimits;
  readonly #signal: AbortSignal | undefined;
  readonly #window: Window;
  #position = 0;
  #globals = NO_PAX;
  #entries = 0;
  #sparseRanges = 0;
  #previous: ByteString | undefined;

  constructor(source: ByteSource, limits: TarLimits, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#limits = limits;
    this.#signal = signal;
    this.#window = new Window(source, signal);
  }

  /** The next entry, or undefined at the end of the archive. */
  async next(): Promise<TarEntry | undefined> {
    const extensions: Extensions = {};
    for (;;) {
      this.#signal?.throwIfAborted();
      const header = await this.#header();
      if (header === undefined) {
        if (extensions.first === undefined) return undefined;
        throw errorAt('truncated', extensions.first, 'the archive ends before the entry that it extends');
      }
      if (!(await this.#extend(extensions, header))) return this.#entry(header, extensions);
    }
  }

  /** Takes up what an extension header says; false if the header is that of an entry. */
  async #extend(extensions: Extensions, header: Header): Promise<boolean> {
    switch (header.type) {
      case 'g':
        this.#applyGlobal(await this.#pax(header), header);
        return true;
      case 'V':
        // The volume's label is no file.
        this.#skipContent(header, header.size);
        return true;
      case 'x':
      case 'X':
        checkFirst(extensions.pax, header);
        extensions.pax = await this.#pax(header);
        break;
      case 'L':
        checkFirst(extensions.longName, header);
        extensions.longName = await this.#longName(header);
        break;
      case 'K':
        checkFirst(extensions.longLink, header);
        extensions.longLink = await this.#longName(header);
        break;
      default:
        return false;
    }
    extensions.first ??= header;
    return true;
  }

  /** The header at the position, which moves behind it; undefined at the end of the archive. */
  async #header(): Promise<Header | undefined> {
    const offset = this.#position;
    const block = await this.#block();
    if (block === undefined) return undefined;
    if (!isZero(block)) return parseHeader(block, offset, this.#previous);
    const second = await this.#block();
    if (second === undefined || isZero(second)) return undefined;
    throw new TarError('bad-header', `byte ${offset}: one block of zeros${this.#after()}, then more data`);
  }

  /** The block at the position, which moves behind it; undefined where the source ends. */
  async #block(): Promise<Uint8Array | undefined> {
    const left = this.#source.size - this.#position;
    if (left <= 0) return undefined;
    if (left < BLOCK) {
      const where = `byte ${this.#position}${this.#after()}`;
      throw new TarError(
        'truncated',
        `${where}: the archive ends inside of a header, after ${left} bytes of it`,
      );
    }
    const block = await this.#window.read(this.#position, BLOCK);
    this.#position += BLOCK;
    return block;
  }

  #after(): string {
    return this.#previous === undefined ? '' : ` after ${quoted(this.#previous)}`;
  }

  /** The content of an extension header, whole. It is valid until the next read. */
  async #body(header: Header, limit: number): Promise<Uint8Array> {
    if (header.size > limit) {
      throw errorAt('limit', header, `an extension header of ${header.size} bytes, the limit is ${limit}`);
    }
    const start = this.#position;
    this.#skipContent(header, header.size);
    return this.#window.read(start, header.size);
  }

  async #pax(header: Header): Promise<Pax> {
    return parsePax(await this.#body(header, this.#limits.paxSize), header);
  }

  async #longName(header: Header): Promise<ByteString> {
    const body = await this.#body(header, this.#limits.pathLength + 1);
    const end = body.indexOf(0);
    return byteString(end === -1 ? body : body.subarray(0, end));
  }

  /**
   * Moves behind the content of an entry, which has to be there, and its padding, which some programs (umoci
   * insert) leave out at the very end. Gives where the content starts.
   */
  #skipContent(place: Place, size: number): number {
    const start = this.#position;
    if (start + size > this.#source.size) {
      throw errorAt(
        'truncated',
        place,
        `its ${size} bytes start at byte ${start}, the archive ends at ${this.#source.size}`,
      );
    }
    this.#position = Math.min(start + alignUp(size, BLOCK), this.#source.size);
    return start;
  }

  #applyGlobal(pax: Pax, header: Header): void {
    if (pax.sparse !== undefined) throw errorAt('unsupported', header, 'a sparse map in a global header');
    this.#globals = merge(this.#globals, pax);
    if (this.#globals.xattrs.size > this.#limits.globalXattrs) {
      const limit = this.#limits.globalXattrs;
      throw errorAt('limit', header, `more than ${limit} xattrs in global headers`);
    }
  }

  async #entry(header: Header, extensions: Extensions): Promise<TarEntry> {
    const pax = extensions.pax === undefined ? this.#globals : merge(this.#globals, extensions.pax);
    const path = pax.path ?? extensions.longName ?? header.name;
    const place: Place = { name: path, offset: extensions.first?.offset ?? header.offset };
    const size = pax.size ?? header.size;
    const kind = kindOf(header.type, path, size, place);
    const isLink = kind === 'hardlink' || kind === 'symlink';
    const isDevice = kind === 'character-device' || kind === 'block-device';
    const linkTarget = isLink ? (pax.linkPath ?? extensions.longLink ?? header.linkName) : '';
    this.#checkNames(path, linkTarget, isLink, place);
    if (++this.#entries > this.#limits.entries) {
      throw errorAt('limit', place, `the archive has more than ${this.#limits.entries} entries`);
    }
    // Only files have content: some programs fill in a size for other kinds, but store nothing. What GNU tar's
    // incremental dumps store of a directory is a list of names, for restoring them.
    if (header.type === 'D') this.#skipContent(place, size);
    const content = kind === 'file' ? await this.#content(header, size, pax.sparse, place) : NO_CONTENT;
    this.#previous = path;
    return {
      path,
      kind,
      mode: header.mode,
      uid: checkedId('uid', pax.uid ?? header.uid, place),
      gid: checkedId('gid', pax.gid ?? header.gid, place),
      mtime: pax.mtime ?? wholeSeconds(header.mtime),
      xattrs: pax.xattrs,
      linkTarget,
      major: isDevice ? checkedId('major', pax.major ?? header.major, place) : 0,
      minor: isDevice ? checkedId('minor', pax.minor ?? header.minor, place) : 0,
      content,
      offset: place.offset,
    };
  }

  #checkNames(path: ByteString, linkTarget: ByteString, isLink: boolean, place: Place): void {
    if (path === '') throw errorAt('bad-header', place, 'it has no name');
    if (isLink && linkTarget === '') throw errorAt('bad-header', place, 'it is a link that has no target');
    const limit = this.#limits.pathLength;
    if (path.length > limit || linkTarget.length > limit) {
      throw errorAt('limit', place, `its path or its target is longer than ${limit} bytes`);
    }
  }

  /** A file's content, behind which the position moves. */
  async #content(
    header: Header,
    size: number,
    sparse: PaxSparse | undefined,
    place: Place,
  ): Promise<Content> {
    if (header.type === 'S') return this.#oldGnuSparse(header, size, place);
    if (sparse !== undefined) return this.#paxSparse(sparse, size, place);
    return size === 0 ? NO_CONTENT : sliceSource(this.#source, this.#skipContent(place, size), size);
  }

  /** GNU tar manual, "Old GNU Format": the map is in the header, and in blocks between header and data. */
  async #oldGnuSparse(header: Header, stored: number, place: Place): Promise<Content> {
    const map = parseOldGnuMap(await this.#window.read(header.offset, BLOCK), place);
    const numbers = [...map.numbers];
    for (let extended = map.extended; extended; ) {
      const block = await this.#block();
      if (block === undefined) throw errorAt('truncated', place, 'the archive ends inside of its sparse map');
      const extension = parseOldGnuExtension(block, place);
      numbers.push(...extension.numbers);
      this.#checkRanges(numbers.length / 2, place);
      extended = extension.extended;
    }
    return this.#sparseContent(numbers, map.realSize, this.#skipContent(place, stored), stored, place);
  }

  /** GNU tar manual, "PAX Format, Versions 0.0 and 0.1" and "Version 1.0", which puts the map in front of the data. */
  async #paxSparse(sparse: PaxSparse, size: number, place: Place): Promise<Content> {
    const { major = 0, minor = 0, realSize } = sparse;
    if (realSize === undefined) throw errorAt('bad-header', place, 'it is sparse, but of no real size');
    const start = this.#skipContent(place, size);
    if (major === 0 && minor <= 1) {
      if (sparse.ranges !== undefined && sparse.ranges * 2 !== sparse.numbers.length) {
        throw errorAt('bad-header', place, `its sparse map does not have ${sparse.ranges} ranges`);
      }
      return this.#sparseContent(sparse.numbers, realSize, start, size, place);
    }
    if (major !== 1 || minor !== 0) {
      throw errorAt('unsupported', place, `it is a sparse file of format ${major}.${minor}`);
    }
    const parser = new SparseMapParser(this.#limits.sparseRanges - this.#sparseRanges, place);
    let data = start;
    for (let done = false; !done; data += BLOCK) {
      if (data + BLOCK > start + size) throw errorAt('bad-header', place, 'its sparse map does not end');
      done = parser.feed(await this.#window.read(data, BLOCK));
    }
    return this.#sparseContent(parser.numbers, realSize, data, start + size - data, place);
  }

  #sparseContent(
    numbers: readonly number[],
    realSize: number,
    start: number,
    stored: number,
    place: Place,
  ): Content {
    this.#checkRanges(numbers.length / 2, place);
    const ranges = rangesOf(numbers, realSize, stored, place);
    this.#sparseRanges += ranges.length;
    const data = sliceSource(this.#source, start, stored);
    return coversAll(ranges, realSize) ? data : sparseContent(data, realSize, ranges);
  }

  #checkRanges(count: number, place: Place): void {
    const limit = this.#limits.sparseRanges;
    if (this.#sparseRanges + count > limit) {
      throw errorAt('limit', place, `the archive's sparse files have more than ${limit} data ranges`);
    }
  }
}

function checkFirst(earlier: unknown, header: Header): void {
  if (earlier !== undefined) throw errorAt('bad-header', header, 'the second of its kind for one entry');
}

function merge(globals: Pax, own: Pax): Pax {
  if (globals === NO_PAX) return own;
  const xattrs = own.xattrs.size === 0 ? globals.xattrs : new Map([...globals.xattrs, ...own.xattrs]);
  return { ...globals, ...own, xattrs };
}

/** Before there was a type for directories, they were files whose name ends in a slash. GNU tar reads all types of file so. */
function kindOf(type: string, path: ByteString, size: number, place: Place): TarEntryKind {
  const kind = KINDS.get(type);
  if (kind === undefined) {
    throw errorAt('unsupported', place, `entries of type ${quoted(type)} are not supported`);
  }
  if (kind !== 'file' || !path.endsWith('/')) return kind;
  if (size > 0) throw errorAt('bad-header', place, 'its name is that of a directory, but it has content');
  return 'directory';
}

function checkedId(what: string, value: number, place: Place): number {
  if (value >= 0 && value <= ID_MAX) return value;
  throw errorAt('bad-header', place, `its ${what} ${value} is not one of 0 to ${ID_MAX}`);
}

function wholeSeconds(seconds: number): Timestamp {
  return { seconds, nanoseconds: 0 };
}

function isZero(block: Uint8Array): boolean {
  for (const byte of block) if (byte !== 0) return false;
  return true;
}
