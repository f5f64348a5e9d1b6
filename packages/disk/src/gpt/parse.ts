import { type ByteSource, crc32, type Range, readExactly, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { ENTRY, HEADER, HEADER_SIZE, REVISION, SIGNATURE } from './encode.ts';
import { decodeGuid } from './guid.ts';
import { ENTRY_SIZE, type Partition, type SectorSize } from './layout.ts';

/** A disk's partition table. Positions and sizes are in bytes. */
export interface Gpt {
  readonly sectorSize: SectorSize;
  readonly diskUuid: string;
  /** Where partitions may lie. */
  readonly usable: Range;
  /** In the order of the table; unused entries are left out. */
  readonly partitions: readonly Partition[];
  /** Whether the disk has the protective MBR without which firmware and kernels pass the table over. */
  readonly protectiveMbr: boolean;
  /** The primary table could not be used, and `damage` says why. */
  readonly usedBackup: boolean;
  readonly damage: string | undefined;
}

export interface ParseGptOptions {
  /** 512 unless told otherwise. */
  readonly sectorSize?: SectorSize;
  readonly signal?: AbortSignal;
}

/** The largest table that is read: eight thousand entries, where tools write 128. */
const MAX_TABLE = 1 << 20;
const UNUSED_TYPE = '00000000-0000-0000-0000-000000000000';

/**
 * Reads a disk's partition table and checks all that UEFI 2.10, section 5.3.2 asks for: signature, both checksums, the
 * header's own location, that entries and partitions are where they may be, and that no two partitions overlap or
 * share a UUID. Takes the backup table at the disk's end when the primary one fails.
 *
 * @throws DiskError `gpt-malformed` when neither can be used
 */
export async function parseGpt(disk: ByteSource, options: ParseGptOptions = {}): Promise<Gpt> {
  const sectorSize = options.sectorSize ?? 512;
  const lastLba = Math.floor(disk.size / sectorSize) - 1;
  if (lastLba < 2) {
    throw new DiskError('gpt-malformed', `a disk of ${disk.size} bytes has no room for a partition table`);
  }
  const place = { disk, sectorSize, lastLba, signal: options.signal };
  const protectiveMbr = isProtectiveMbr(await readExactly(disk, 0, 512, options.signal));
  const primary = await attempt(() => readTable(place, 1));
  if (!(primary instanceof DiskError)) {
    return { ...primary, protectiveMbr, usedBackup: false, damage: undefined };
  }
  const backup = await attempt(() => readTable(place, lastLba));
  if (!(backup instanceof DiskError)) {
    return { ...backup, protectiveMbr, usedBackup: true, damage: primary.message };
  }
  throw new DiskError(
    'gpt-malformed',
    `there is no usable partition table: ${primary.message}; ${backup.message}`,
    { cause: primary },
  );
}

async function attempt<T>(read: () => Promise<T>): Promise<T | DiskError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DiskError) return error;
    throw error;
  }
}

function isProtectiveMbr(bytes: Uint8Array): boolean {
  const types = [446, 462, 478, 494].map((record) => bytes[record + 4]);
  return viewOf(bytes).getUint16(510, true) === 0xaa55 && types.includes(0xee);
}

interface Place {
  readonly disk: ByteSource;
  readonly sectorSize: SectorSize;
  readonly lastLba: number;
  readonly signal: AbortSignal | undefined;
}

type Table = Pick<Gpt, 'sectorSize' | 'diskUuid' | 'usable' | 'partitions'>;

/** Reads the table whose header is at `lba`, or throws why it cannot be used. */
async function readTable(place: Place, lba: number): Promise<Table> {
  const { disk, sectorSize, signal } = place;
  const header = parseHeader(await readExactly(disk, lba * sectorSize, sectorSize, signal), place, lba);
  const position = header.entriesLba * sectorSize;
  const bytes = await readExactly(disk, position, header.entryCount * header.entrySize, signal);
  check(crc32(bytes) === header.entriesCrc, lba, 'the checksum of its entries is wrong');

  const usable = { start: header.firstUsable * sectorSize, end: (header.lastUsable + 1) * sectorSize };
  const partitions: Partition[] = [];
  for (let offset = 0; offset < bytes.length; offset += header.entrySize) {
    const partition = parseEntry(bytes.subarray(offset, offset + header.entrySize), sectorSize);
    if (partition === undefined) continue;
    const { start, size, uuid } = partition;
    check(
      size > 0 && start >= usable.start && start + size <= usable.end,
      lba,
      `partition ${uuid} lies outside of where partitions may be`,
    );
    partitions.push(partition);
  }
  checkDisjoint(partitions, lba);
  return { sectorSize, diskUuid: header.diskUuid, usable, partitions };
}

interface Header {
  readonly diskUuid: string;
  readonly firstUsable: number;
  readonly lastUsable: number;
  readonly entriesLba: number;
  readonly entryCount: number;
  readonly entrySize: number;
  readonly entriesCrc: number;
}

function parseHeader(bytes: Uint8Array, place: Place, lba: number): Header {
  const view = viewOf(bytes);
  check(
    SIGNATURE.every((byte, index) => bytes[index] === byte),
    lba,
    'it has no signature "EFI PART"',
  );
  const size = view.getUint32(HEADER.headerSize, true);
  check(size >= HEADER_SIZE && size <= bytes.length, lba, `its header cannot have ${size} bytes`);
  check(
    headerChecksum(bytes.subarray(0, size)) === view.getUint32(HEADER.headerCrc, true),
    lba,
    'the checksum of its header is wrong',
  );
  const revision = view.getUint32(HEADER.revision, true);
  check(revision === REVISION, lba, `its revision is 0x${revision.toString(16)}, not 1.0`);

  const myLba = lbaAt(view, HEADER.myLba);
  check(myLba === lba, lba, `its header says that it belongs to sector ${myLba}`);
  const header = {
    diskUuid: decodeGuid(bytes.subarray(HEADER.diskGuid, HEADER.diskGuid + 16)),
    firstUsable: lbaAt(view, HEADER.firstUsableLba),
    lastUsable: lbaAt(view, HEADER.lastUsableLba),
    entriesLba: lbaAt(view, HEADER.entriesLba),
    entryCount: view.getUint32(HEADER.entryCount, true),
    entrySize: view.getUint32(HEADER.entrySize, true),
    entriesCrc: view.getUint32(HEADER.entriesCrc, true),
  };
  const { entryCount, entrySize } = header;
  check(
    entrySize >= ENTRY_SIZE && Number.isInteger(Math.log2(entrySize)) && entryCount * entrySize <= MAX_TABLE,
    lba,
    `it cannot have ${entryCount} entries of ${entrySize} bytes`,
  );
  checkPlaces(header, place, lba);
  return header;
}

/** Header, entries and usable sectors lie on the disk and do not touch; the primary's entries come first, the backup's last. */
function checkPlaces(header: Header, place: Place, lba: number): void {
  const { firstUsable, lastUsable, entriesLba, entryCount, entrySize } = header;
  const entriesEnd = entriesLba + Math.ceil((entryCount * entrySize) / place.sectorSize);
  check(
    firstUsable <= lastUsable + 1 && firstUsable > 1 && lastUsable < place.lastLba,
    lba,
    `its usable sectors, ${firstUsable} to ${lastUsable}, are not on the disk`,
  );
  const inPlace =
    lba === 1 ? entriesLba > 1 && entriesEnd <= firstUsable : entriesLba > lastUsable && entriesEnd <= lba;
  check(inPlace, lba, `its entries cannot be in sectors ${entriesLba} to ${entriesEnd - 1}`);
}

/** The checksum of a header is taken with its own field as zeros. */
function headerChecksum(header: Uint8Array): number {
  const blank = header.slice();
  blank.fill(0, HEADER.headerCrc, HEADER.headerCrc + 4);
  return crc32(blank);
}

/** Numbers beyond 2^53 lose their last digits, which no disk can tell. */
function lbaAt(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

/** Undefined for an entry that is not used. */
function parseEntry(bytes: Uint8Array, sectorSize: number): Partition | undefined {
  const view = viewOf(bytes);
  const type = decodeGuid(bytes.subarray(ENTRY.type, ENTRY.type + 16));
  if (type === UNUSED_TYPE) return undefined;
  const firstLba = lbaAt(view, ENTRY.firstLba);
  const attributes = view.getBigUint64(ENTRY.attributes, true);
  const label = new TextDecoder('utf-16le', { ignoreBOM: true }).decode(
    bytes.subarray(ENTRY.label, ENTRY.labelEnd),
  );
  return {
    label: label.replace(/\0.*$/s, ''),
    type,
    uuid: decodeGuid(bytes.subarray(ENTRY.uuid, ENTRY.uuid + 16)),
    start: firstLba * sectorSize,
    size: (lbaAt(view, ENTRY.lastLba) - firstLba + 1) * sectorSize,
    ...(attributes === 0n ? {} : { attributes }),
  };
}

function checkDisjoint(partitions: readonly Partition[], lba: number): void {
  const inOrder = [...partitions].sort((a, b) => a.start - b.start);
  for (const [index, partition] of inOrder.entries()) {
    const next = inOrder[index + 1];
    if (next === undefined) break;
    check(
      partition.start + partition.size <= next.start,
      lba,
      `partitions ${partition.uuid} and ${next.uuid} overlap`,
    );
  }
  const uuids = new Set(partitions.map((partition) => partition.uuid));
  check(uuids.size === partitions.length, lba, 'two of its partitions have the same UUID');
}

function check(holds: boolean, lba: number, problem: string): void {
  if (!holds) throw new DiskError('gpt-malformed', `the table in sector ${lba}: ${problem}`);
}
