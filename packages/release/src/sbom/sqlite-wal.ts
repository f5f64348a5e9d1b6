import { type ByteSource, readExactly, viewOf } from '@cairn/bytes';
import { malformed } from './error.ts';

/**
 * The write-ahead log of an SQLite database. An image may hold one: a database whose last user was killed at the
 * end of a build step has its newest pages only there.
 *
 * Source: "Database File Format", https://www.sqlite.org/fileformat2.html, section 4.
 */
export interface WalPages {
  readonly source: ByteSource;
  /** Where in the log the newest committed version of a page starts, by page number. */
  readonly frames: ReadonlyMap<number, number>;
  /** The database's size in pages after the last commit. */
  readonly pageCount: number;
}

const HEADER = 32;
const FRAME_HEADER = 24;
const MAGIC = 0x377f0682;
const VERSION = 3007000;

/** The two running sums over all frames so far. */
interface Sums {
  readonly first: number;
  readonly second: number;
}

/**
 * The committed pages of a log; undefined for one that is empty or starts with a wrong checksum, which SQLite
 * takes as empty too. Everything after the first frame that does not verify is an old log's rest.
 *
 * @throws SbomError `malformed-database` where its pages are not of the database's size
 */
export async function readWal(
  source: ByteSource,
  pageSize: number,
  signal?: AbortSignal,
): Promise<WalPages | undefined> {
  if (source.size < HEADER) return undefined;
  const header = await readExactly(source, 0, HEADER, signal);
  const view = viewOf(header);
  const magic = view.getUint32(0);
  if ((magic & ~1) >>> 0 !== MAGIC || view.getUint32(4) !== VERSION) return undefined;
  const littleEndian = magic === MAGIC;
  let sums = checksum(header.subarray(0, 24), littleEndian, { first: 0, second: 0 });
  if (sums.first !== view.getUint32(24) || sums.second !== view.getUint32(28)) return undefined;
  if (view.getUint32(8) !== pageSize) {
    throw malformed(`the SQLite log has pages of ${view.getUint32(8)} bytes, its database of ${pageSize}`);
  }
  const frames = new Map<number, number>();
  let pending: [page: number, position: number][] = [];
  let pageCount = 0;
  const step = FRAME_HEADER + pageSize;
  for (let at = HEADER; at + step <= source.size; at += step) {
    signal?.throwIfAborted();
    const frame = await readExactly(source, at, step, signal);
    const frameView = viewOf(frame);
    const sameSalt =
      frameView.getUint32(8) === view.getUint32(16) && frameView.getUint32(12) === view.getUint32(20);
    sums = checksum(frame.subarray(0, 8), littleEndian, sums);
    sums = checksum(frame.subarray(FRAME_HEADER), littleEndian, sums);
    if (!sameSalt || sums.first !== frameView.getUint32(16) || sums.second !== frameView.getUint32(20)) break;
    pending.push([frameView.getUint32(0), at + FRAME_HEADER]);
    const committedSize = frameView.getUint32(4);
    if (committedSize === 0) continue;
    for (const [page, position] of pending) frames.set(page, position);
    pending = [];
    pageCount = committedSize;
  }
  return frames.size === 0 ? undefined : { source, frames, pageCount };
}

/** Section 4.2: over pairs of 32-bit words, in the byte order that the magic names. */
function checksum(bytes: Uint8Array, littleEndian: boolean, { first, second }: Sums): Sums {
  const view = viewOf(bytes);
  let [a, b] = [first, second];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    a = (a + view.getUint32(at, littleEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0;
  }
  return { first: a, second: b };
}
