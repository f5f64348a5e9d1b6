import { type ByteSource, fromText, readExactly, readInto, viewOf } from '@cairn/bytes';
import { malformed, SbomError } from './error.ts';
import { readWal, type WalPages } from './sqlite-wal.ts';

/**
 * Reads the rows of one table out of an SQLite database, and nothing else: no indexes, no SQL. Pages are read
 * as they are needed, and each page of the file at most once, so that no chain of pages can run in circles.
 *
 * Source: "Database File Format", https://www.sqlite.org/fileformat2.html
 */

/** A value of a row: INTEGER and REAL alike are numbers, integers beyond 2^53 rounded. */
export type SqliteValue = null | number | string | Uint8Array;

const MAGIC = fromText('SQLite format 3\0');
const HEADER = 100;
const UTF8 = 1;
const INTERIOR = 5;
const LEAF = 13;

interface Database {
  readonly source: ByteSource;
  readonly wal: WalPages | undefined;
  readonly pageSize: number;
  /** The bytes of a page that hold content. */
  readonly usable: number;
  readonly pageCount: number;
  /** The pages that were read already, in this walk over one table. */
  readonly seen: Set<number>;
  readonly signal: AbortSignal | undefined;
}

/**
 * The rows of a table in order of row id. An `INTEGER PRIMARY KEY` column is `null` in them, as it is stored.
 *
 * @param options.wal the write-ahead log beside the database, if there is one: what is committed in it counts
 * @throws SbomError `malformed-database`; `unsupported-database` for text in UTF-16
 */
export async function* sqliteRows(
  source: ByteSource,
  table: string,
  options: { wal?: ByteSource | undefined; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<readonly SqliteValue[]> {
  const database = await openDatabase(source, options);
  for await (const [type, name, , root] of rowsBelow(database, 1)) {
    if (type !== 'table' || name !== table) continue;
    if (typeof root !== 'number') throw malformed(`the table ${table} has no root page`);
    yield* rowsBelow({ ...database, seen: new Set() }, root);
    return;
  }
  throw malformed(`there is no table ${table} in the SQLite database`);
}

async function openDatabase(
  source: ByteSource,
  { wal, signal }: { wal?: ByteSource | undefined; signal?: AbortSignal | undefined },
): Promise<Database> {
  if (source.size < HEADER) throw malformed(`an SQLite database of ${source.size} bytes has no header`);
  const header = await readExactly(source, 0, HEADER, signal);
  if (!Buffer.from(MAGIC, 'latin1').equals(header.subarray(0, 16))) {
    throw malformed('it does not start as an SQLite database does');
  }
  const view = viewOf(header);
  const pageSize = view.getUint16(16) === 1 ? 65536 : view.getUint16(16);
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) {
    throw malformed(`an SQLite database cannot have pages of ${pageSize} bytes`);
  }
  const usable = pageSize - view.getUint8(20);
  if (usable < 480) throw malformed(`only ${usable} bytes of an SQLite page are for use, the least is 480`);
  if (view.getUint32(56) !== UTF8) {
    throw new SbomError('unsupported-database', 'the text in the SQLite database is not UTF-8');
  }
  const pages = wal === undefined ? undefined : await readWal(wal, pageSize, signal);
  return {
    source,
    wal: pages,
    pageSize,
    usable,
    pageCount: Math.max(Math.floor(source.size / pageSize), pages?.pageCount ?? 0),
    seen: new Set(),
    signal,
  };
}

async function readPage(database: Database, number: number): Promise<Uint8Array> {
  const { source, wal, pageSize, signal } = database;
  signal?.throwIfAborted();
  if (number < 1 || number > database.pageCount) {
    throw malformed(`page ${number} of an SQLite database of ${database.pageCount} pages is used`);
  }
  if (database.seen.has(number)) throw malformed(`page ${number} of the SQLite database is used twice`);
  database.seen.add(number);
  const frame = wal?.frames.get(number);
  const page = new Uint8Array(pageSize);
  if (wal !== undefined && frame !== undefined) {
    await readInto(wal.source, frame, page, signal);
    return page;
  }
  if (number * pageSize > source.size) throw malformed(`page ${number} of the SQLite database is missing`);
  await readInto(source, (number - 1) * pageSize, page, signal);
  return page;
}

/** Section 1.6: the cells of a leaf are rows; those of an interior page lead to pages of smaller row ids. */
async function* rowsBelow(database: Database, root: number): AsyncGenerator<readonly SqliteValue[]> {
  const pending = [root];
  for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
    const page = await readPage(database, number);
    const { interior, cells, last } = parsePage(page, number, database.usable);
    if (interior) {
      pending.push(last, ...cells.map((cell) => viewOf(page).getUint32(cell)).reverse());
      continue;
    }
    for (const cell of cells) yield parseRecord(await readPayload(database, page, cell));
  }
}

interface TreePage {
  readonly interior: boolean;
  /** Where its cells start, in order of row id. */
  readonly cells: readonly number[];
  /** The page of the largest row ids; 0 on a leaf. */
  readonly last: number;
}

function parsePage(page: Uint8Array, number: number, usable: number): TreePage {
  const view = viewOf(page);
  const start = number === 1 ? HEADER : 0;
  const kind = view.getUint8(start);
  if (kind !== INTERIOR && kind !== LEAF) {
    throw malformed(`page ${number} of the SQLite database (kind ${kind}) is not a part of a table`);
  }
  const interior = kind === INTERIOR;
  const pointers = start + (interior ? 12 : 8);
  const count = view.getUint16(start + 3);
  if (pointers + count * 2 > usable) {
    throw malformed(`page ${number} of the SQLite database has no room for ${count} cells`);
  }
  const cells = Array.from({ length: count }, (_, index) => view.getUint16(pointers + index * 2));
  if (cells.some((cell) => cell + 4 > usable)) {
    throw malformed(`a cell lies outside of page ${number} of the SQLite database`);
  }
  return { interior, cells, last: interior ? view.getUint32(start + 8) : 0 };
}

/** Section 1.5: the payload of a leaf's cell, whose end may lie on a chain of overflow pages. */
async function readPayload(database: Database, page: Uint8Array, cell: number): Promise<Uint8Array> {
  const { usable } = database;
  const size = readVarint(page, cell);
  const rowId = readVarint(page, size.end);
  const length = size.value;
  if (length > database.pageCount * database.pageSize) {
    throw malformed(`a row of ${length} bytes is larger than the SQLite database`);
  }
  const local = localLength(length, usable);
  const start = rowId.end;
  if (start + local + (local < length ? 4 : 0) > usable) {
    throw malformed('a row runs over the end of its page in the SQLite database');
  }
  if (local === length) return page.subarray(start, start + length);
  const parts = [page.subarray(start, start + local)];
  let next = viewOf(page).getUint32(start + local);
  for (let left = length - local; left > 0; ) {
    const overflow = await readPage(database, next);
    next = viewOf(overflow).getUint32(0);
    const part = overflow.subarray(4, Math.min(usable, left + 4));
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts);
}

/** How much of a payload is on the leaf itself. */
function localLength(length: number, usable: number): number {
  const most = usable - 35;
  if (length <= most) return length;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wanted = least + ((length - least) % (usable - 4));
  return wanted <= most ? wanted : least;
}

/** Section 2.1: a header of serial types, and then the values. */
function parseRecord(payload: Uint8Array): SqliteValue[] {
  const values: SqliteValue[] = [];
  const header = readVarint(payload, 0);
  if (header.value > payload.length) throw malformed('the header of an SQLite row is longer than the row');
  let body = header.value;
  for (let at = header.end; at < header.value; ) {
    const type = readVarint(payload, at);
    at = type.end;
    const length = lengthOf(type.value);
    if (body + length > payload.length) throw malformed('a value runs over the end of an SQLite row');
    values.push(valueOf(type.value, payload.subarray(body, body + length)));
    body += length;
  }
  return values;
}

const FIXED_LENGTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const;
const REAL = 7;

function lengthOf(type: number): number {
  const fixed = FIXED_LENGTHS[type];
  if (fixed !== undefined) return fixed;
  if (type < 12) throw malformed(`an SQLite row has a value of the reserved type ${type}`);
  return Math.floor((type - 12) / 2);
}

function valueOf(type: number, bytes: Uint8Array): SqliteValue {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  if (type === REAL) return viewOf(bytes).getFloat64(0);
  if (type < 12) return signedInteger(bytes);
  return type % 2 === 0 ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function signedInteger(bytes: Uint8Array): number {
  let value = (bytes[0] ?? 0) >= 0x80 ? -1 : 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}

/** One to nine bytes, seven bits in each but the ninth, which has eight. Beyond 2^53 it is rounded: larger than any file either way. */
function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let index = 0; index < 9; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw malformed('a number runs over the end of an SQLite page');
    if (index === 8) return { value: value * 256 + byte, end: start + 9 };
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end: start + index + 1 };
  }
  throw malformed('a number in the SQLite database has no end');
}
