import { type ByteSource, byteString, equalBytes, viewOf } from '@cairn/bytes';
import { FLAG, RECORD, SECTOR } from './format.ts';
import type { IsoExtent } from './layout.ts';
import { malformed } from './malformed.ts';
import { readEntries } from './system-use.ts';

/** A file or folder as its folder lists it. */
export interface IsoEntry {
  /** By Rock Ridge where it is there, else as in `alias`, without the version. */
  readonly name: string;
  /** As in `RELEASE.JSO;1`. */
  readonly alias: string;
  readonly kind: 'directory' | 'file';
  /** Type and permissions by Rock Ridge. */
  readonly mode: number | undefined;
  /** In bytes. */
  readonly size: number;
  /** Where its bytes are. All lie inside of the volume. */
  readonly extents: readonly IsoExtent[];
}

/** How Rock Ridge's entries are to be read; undefined on a volume without. */
export interface SystemUse {
  /** Bytes that come before the entries. */
  readonly skip: number;
}

interface RawRecord {
  readonly id: Uint8Array;
  readonly extent: IsoExtent;
  readonly flags: number;
  readonly systemUse: Uint8Array;
}

/** The names of a folder but itself and the one above. Throws `iso-malformed`. */
export async function parseDirectory(
  bytes: Uint8Array,
  source: ByteSource,
  systemUse: SystemUse | undefined,
  signal?: AbortSignal,
): Promise<IsoEntry[]> {
  const entries: IsoEntry[] = [];
  let open: RawRecord[] = [];
  for (const record of records(bytes, source.size)) {
    if (isDot(record.id)) continue;
    const first = open[0];
    if (first !== undefined && !equalBytes(first.id, record.id)) {
      throw malformed(`the extents of "${byteString(first.id)}" end too early`);
    }
    open.push(record);
    if ((record.flags & FLAG.multiExtent) !== 0) continue;
    entries.push(await entryOf(open, source, systemUse, signal));
    open = [];
  }
  if (open.length > 0) throw malformed('a folder ends within the extents of a file');
  return entries;
}

/** The record that a folder has of itself. */
export function firstRecord(bytes: Uint8Array, size: number): RawRecord | undefined {
  for (const record of records(bytes, size)) return record;
  return undefined;
}

function isDot(id: Uint8Array): boolean {
  return id.length === 1 && (id[0] ?? 2) < 2;
}

function* records(bytes: Uint8Array, size: number): Generator<RawRecord> {
  for (let position = 0; position < bytes.length; ) {
    const length = bytes[position] ?? 0;
    // No record lies over the border of two sectors: the rest of this one is empty.
    if (length === 0) {
      position = (Math.floor(position / SECTOR) + 1) * SECTOR;
      continue;
    }
    const room = Math.min(SECTOR - (position % SECTOR), bytes.length - position);
    if (length < RECORD.id + 1 || length > room) {
      throw malformed(`a record cannot have ${length} bytes`);
    }
    yield parseRecord(bytes.subarray(position, position + length), size);
    position += length;
  }
}

/** A record of its whole length. `size` is the volume's. */
export function parseRecord(bytes: Uint8Array, size: number): RawRecord {
  const view = viewOf(bytes);
  const idLength = view.getUint8(RECORD.idLength);
  const idEnd = RECORD.id + idLength;
  if (idLength === 0 || idEnd > bytes.length) throw malformed(`a name cannot have ${idLength} bytes`);
  if (view.getUint8(RECORD.unitSize) !== 0 || view.getUint8(RECORD.gapSize) !== 0) {
    throw malformed('it has an interleaved file');
  }
  const extent = {
    position: view.getUint32(RECORD.extent, true) * SECTOR,
    size: view.getUint32(RECORD.dataLength, true),
  };
  if (extent.size > 0 && extent.position + extent.size > size) {
    throw malformed(`${extent.size} bytes at ${extent.position} are more than there are`);
  }
  return {
    id: bytes.subarray(RECORD.id, idEnd),
    extent,
    flags: view.getUint8(RECORD.flags),
    systemUse: bytes.subarray(Math.min(bytes.length, idEnd + ((idLength + 1) % 2))),
  };
}

async function entryOf(
  open: readonly RawRecord[],
  source: ByteSource,
  systemUse: SystemUse | undefined,
  signal?: AbortSignal,
): Promise<IsoEntry> {
  const last = open.at(-1) as RawRecord;
  const alias = byteString(last.id);
  const found = systemUse && (await readEntries(source, last.systemUse.subarray(systemUse.skip), signal));
  const kind = (last.flags & FLAG.directory) === 0 ? 'file' : 'directory';
  const name = found?.name ?? alias.replace(/\.?;.*$/s, '');
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw malformed(`a name cannot be ${JSON.stringify(name)}`);
  }
  if (kind === 'directory' && open.length > 1) throw malformed(`the folder "${name}" has several extents`);
  return {
    name,
    alias,
    kind,
    mode: found?.mode,
    size: open.reduce((sum, { extent }) => sum + extent.size, 0),
    extents: open.map(({ extent }) => extent),
  };
}
