import { type ByteString, byteString } from '@cairn/bytes';
import { NO_XATTRS, type Timestamp } from '@cairn/tree';
import { errorAt, type Place } from './error.ts';

/**
 * What an extended header says. A key that is there with the value undefined was deleted by an empty record:
 * it hides a global header's value.
 */
export interface Pax {
  path?: ByteString | undefined;
  linkPath?: ByteString | undefined;
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  mtime?: Timestamp | undefined;
  major?: number | undefined;
  minor?: number | undefined;
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
  sparse?: PaxSparse;
}

/** The `GNU.sparse.*` records of all three versions of the format (GNU tar manual, appendix "Sparse Formats"). */
export interface PaxSparse {
  /** Of the format: 1.0 when both are given, 0.x when not. */
  major?: number;
  minor?: number;
  realSize?: number;
  ranges?: number;
  /** The map of the versions 0.0 and 0.1: offset, length, offset, length, ... */
  numbers: number[];
}

export const NO_PAX: Pax = { xattrs: NO_XATTRS };

const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

/**
 * Reads the records of one extended header (POSIX.1-2017, pax, "pax Extended Header"). Values are bytes and stay
 * so: an xattr may hold NULs and newlines. Unknown keys are skipped, as POSIX wants.
 *
 * @throws TarError `bad-header`
 */
export function parsePax(bytes: Uint8Array, place: Place): Pax {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const draft = new Draft(place);
  for (let at = 0; at < body.length; ) {
    const end = at + recordLength(body, at, place);
    const keyStart = body.indexOf(0x20, at) + 1;
    const keyEnd = body.indexOf(0x3d, keyStart);
    if (end > body.length || keyEnd <= keyStart || keyEnd >= end || body[end - 1] !== 0x0a) {
      throw errorAt('bad-header', place, `the pax record at byte ${at} of its body is malformed`);
    }
    draft.apply(body.toString('latin1', keyStart, keyEnd), body.subarray(keyEnd + 1, end - 1));
    at = end;
  }
  return draft.done();
}

/** A record starts with its own length in decimal, and a space. */
function recordLength(body: Uint8Array, start: number, place: Place): number {
  let length = 0;
  for (let at = start; at < start + 10; at++) {
    const byte = body[at] ?? 0;
    if (byte === 0x20 && at > start) return length;
    if (byte < 0x30 || byte > 0x39) break;
    length = length * 10 + byte - 0x30;
  }
  throw errorAt('bad-header', place, `the pax record at byte ${start} of its body has no length`);
}

class Draft {
  readonly #place: Place;
  readonly #pax: Pax = { xattrs: NO_XATTRS };
  #xattrs: Map<ByteString, Uint8Array> | undefined;
  #sparse: PaxSparse | undefined;
  #sparseName: ByteString | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  apply(key: ByteString, value: Uint8Array): void {
    switch (key) {
      case 'path':
        this.#pax.path = this.#name(key, value);
        break;
      case 'linkpath':
        this.#pax.linkPath = this.#name(key, value);
        break;
      case 'size':
      case 'uid':
      case 'gid':
        this.#pax[key] = this.#optional(key, value);
        break;
      case 'mtime':
        this.#pax.mtime = this.#time(value);
        break;
      case 'SCHILY.devmajor':
        this.#pax.major = this.#optional(key, value);
        break;
      case 'SCHILY.devminor':
        this.#pax.minor = this.#optional(key, value);
        break;
      default:
        if (key.startsWith('GNU.sparse.')) this.#applySparse(key, value);
        else if (key.startsWith(SCHILY)) this.#applySchily(key, value);
        else if (key.startsWith(LIBARCHIVE)) this.#applyLibarchive(key, value);
    }
  }

  done(): Pax {
    const pax = this.#pax;
    if (this.#sparseName !== undefined) pax.path = this.#sparseName;
    if (this.#sparse !== undefined) pax.sparse = this.#sparse;
    if (this.#xattrs !== undefined) pax.xattrs = this.#xattrs;
    return pax;
  }

  #applySparse(key: ByteString, value: Uint8Array): void {
    if (key === 'GNU.sparse.name') {
      this.#sparseName = this.#name(key, value);
      return;
    }
    this.#sparse ??= { numbers: [] };
    const sparse = this.#sparse;
    switch (key) {
      case 'GNU.sparse.major':
        sparse.major = this.#decimal(key, value);
        break;
      case 'GNU.sparse.minor':
        sparse.minor = this.#decimal(key, value);
        break;
      case 'GNU.sparse.size':
      case 'GNU.sparse.realsize':
        sparse.realSize = this.#decimal(key, value);
        break;
      case 'GNU.sparse.numblocks':
        sparse.ranges = this.#decimal(key, value);
        break;
      case 'GNU.sparse.offset':
      case 'GNU.sparse.numbytes':
        if ((sparse.numbers.length % 2 === 0) !== (key === 'GNU.sparse.offset')) {
          throw errorAt('bad-header', this.#place, `its sparse map has ${key} out of turn`);
        }
        sparse.numbers.push(this.#decimal(key, value));
        break;
      case 'GNU.sparse.map':
        sparse.numbers = this.#list(key, value);
        break;
      default:
    }
  }

  /** GNU tar keeps `=`, which would end the key, and so also `%`, as an escape. */
  #applySchily(key: ByteString, value: Uint8Array): void {
    const name = key.slice(SCHILY.length).replace(/%(?:3D|25)/g, (escape) => (escape === '%25' ? '%' : '='));
    this.#setXattr(name, new Uint8Array(value));
  }

  #applyLibarchive(key: ByteString, value: Uint8Array): void {
    const name = key
      .slice(LIBARCHIVE.length)
      .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    // bsdtar writes each xattr in both ways; the one that is not encoded decides.
    if (this.#xattrs?.has(name)) return;
    const encoded = byteString(value);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
      throw errorAt('bad-header', this.#place, `its pax record ${key} is not base64`);
    }
    this.#setXattr(name, new Uint8Array(Buffer.from(encoded, 'base64')));
  }

  #setXattr(name: ByteString, value: Uint8Array): void {
    if (name === '' || name.includes('\0')) {
      throw errorAt('bad-header', this.#place, 'it has an xattr without a proper name');
    }
    this.#xattrs ??= new Map();
    this.#xattrs.set(name, value);
  }

  #name(key: ByteString, value: Uint8Array): ByteString | undefined {
    if (value.includes(0)) throw errorAt('bad-header', this.#place, `its pax record ${key} has a NUL in it`);
    return value.length === 0 ? undefined : byteString(value);
  }

  #optional(key: ByteString, value: Uint8Array): number | undefined {
    return value.length === 0 ? undefined : this.#decimal(key, value);
  }

  #decimal(key: ByteString, value: Uint8Array): number {
    const number = /^[0-9]{1,16}$/.test(byteString(value.subarray(0, 17)))
      ? Number(byteString(value))
      : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw errorAt('bad-header', this.#place, `its pax record ${key} is not a number`);
  }

  #list(key: ByteString, value: Uint8Array): number[] {
    const numbers: number[] = [];
    let digits = 0;
    let number = 0;
    for (let at = 0; at <= value.length && value.length > 0; at++) {
      const byte = at === value.length ? 0x2c : (value[at] ?? 0);
      if (byte === 0x2c && digits > 0) {
        numbers.push(number);
        number = 0;
        digits = 0;
        continue;
      }
      number = number * 10 + byte - 0x30;
      digits++;
      if (byte < 0x30 || byte > 0x39 || !Number.isSafeInteger(number)) {
        throw errorAt('bad-header', this.#place, `its pax record ${key} is not a list of numbers`);
      }
    }
    return numbers;
  }

  #time(value: Uint8Array): Timestamp | undefined {
    if (value.length === 0) return undefined;
    const time = value.length > 100 ? undefined : parseTime(byteString(value));
    if (time === undefined) throw errorAt('bad-header', this.#place, 'its pax record mtime is not a time');
    return time;
  }
}

/** Decimal seconds with any number of digits after the point; what is finer than a nanosecond is rounded down. */
export function parseTime(value: string): Timestamp | undefined {
  const match = /^(-?)([0-9]{1,16})(?:\.([0-9]*))?$/.exec(value);
  if (match === null) return undefined;
  const [, sign, whole, fraction = ''] = match;
  const seconds = Number(whole);
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (!Number.isSafeInteger(seconds)) return undefined;
  if (sign === '') return { seconds, nanoseconds };
  const below = nanoseconds + (/[1-9]/.test(fraction.slice(9)) ? 1 : 0);
  return below === 0
    ? { seconds: 0 - seconds, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - below };
}
