import { alignUp, concatBytes, crc32, viewOf } from '@cairn/bytes';
import { encodeGuid } from './guid.ts';
import { type DiskLayout, ENTRY_COUNT, ENTRY_SIZE, type Partition } from './layout.ts';

/** Bytes and where on the disk they go. */
export interface Placed {
  readonly position: number;
  readonly bytes: Uint8Array;
}

export interface EncodedGpt {
  /** Protective MBR, header and entries, at the disk's start. */
  readonly primary: Placed;
  /** Entries and header, at the disk's end. */
  readonly backup: Placed;
}

export const HEADER_SIZE = 92;

/** Byte offsets inside of a GPT header (UEFI 2.10, table 5.5). */
export const HEADER = {
  signature: 0,
  revision: 8,
  headerSize: 12,
  headerCrc: 16,
  reserved: 20,
  myLba: 24,
  alternateLba: 32,
  firstUsableLba: 40,
  lastUsableLba: 48,
  diskGuid: 56,
  entriesLba: 72,
  entryCount: 80,
  entrySize: 84,
  entriesCrc: 88,
} as const;

/** Byte offsets inside of an entry (UEFI 2.10, table 5.6). */
export const ENTRY = {
  type: 0,
  uuid: 16,
  firstLba: 32,
  lastLba: 40,
  attributes: 48,
  label: 56,
  labelEnd: 128,
} as const;

export const SIGNATURE = new TextEncoder().encode('EFI PART');
export const REVISION = 0x00010000;

/** Both tables of a disk, to be written as they are (UEFI 2.10, sections 5.2.3 and 5.3). */
export function encodeGpt(layout: DiskLayout): EncodedGpt {
  const { sectorSize } = layout;
  const sectors = layout.size / sectorSize;
  const entries = encodeEntries(layout);
  const entrySectors = entries.length / sectorSize;
  const lastLba = sectors - 1;
  const table = {
    firstUsableLba: 2 + entrySectors,
    lastUsableLba: lastLba - entrySectors - 1,
    entriesCrc: crc32(entries.subarray(0, ENTRY_COUNT * ENTRY_SIZE)),
  };
  const primary = encodeHeader(layout, { ...table, myLba: 1, alternateLba: lastLba, entriesLba: 2 });
  const backup = encodeHeader(layout, {
    ...table,
    myLba: lastLba,
    alternateLba: 1,
    entriesLba: lastLba - entrySectors,
  });
  return {
    primary: { position: 0, bytes: concatBytes([protectiveMbr(layout), primary, entries]) },
    backup: {
      position: (lastLba - entrySectors) * sectorSize,
      bytes: concatBytes([entries, backup]),
    },
  };
}

interface HeaderFields {
  readonly myLba: number;
  readonly alternateLba: number;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
  readonly entriesLba: number;
  readonly entriesCrc: number;
}

function encodeHeader(layout: DiskLayout, fields: HeaderFields): Uint8Array {
  const bytes = new Uint8Array(layout.sectorSize);
  const view = viewOf(bytes);
  bytes.set(SIGNATURE, HEADER.signature);
  view.setUint32(HEADER.revision, REVISION, true);
  view.setUint32(HEADER.headerSize, HEADER_SIZE, true);
  view.setBigUint64(HEADER.myLba, BigInt(fields.myLba), true);
  view.setBigUint64(HEADER.alternateLba, BigInt(fields.alternateLba), true);
  view.setBigUint64(HEADER.firstUsableLba, BigInt(fields.firstUsableLba), true);
  view.setBigUint64(HEADER.lastUsableLba, BigInt(fields.lastUsableLba), true);
  bytes.set(encodeGuid(layout.diskUuid), HEADER.diskGuid);
  view.setBigUint64(HEADER.entriesLba, BigInt(fields.entriesLba), true);
  view.setUint32(HEADER.entryCount, ENTRY_COUNT, true);
  view.setUint32(HEADER.entrySize, ENTRY_SIZE, true);
  view.setUint32(HEADER.entriesCrc, fields.entriesCrc, true);
  view.setUint32(HEADER.headerCrc, crc32(bytes.subarray(0, HEADER_SIZE)), true);
  return bytes;
}

function encodeEntries(layout: DiskLayout): Uint8Array {
  const bytes = new Uint8Array(alignUp(ENTRY_COUNT * ENTRY_SIZE, layout.sectorSize));
  for (const [index, partition] of layout.partitions.entries()) {
    encodeEntry(bytes.subarray(index * ENTRY_SIZE, (index + 1) * ENTRY_SIZE), partition, layout.sectorSize);
  }
  return bytes;
}

function encodeEntry(bytes: Uint8Array, partition: Partition, sectorSize: number): void {
  const view = viewOf(bytes);
  bytes.set(encodeGuid(partition.type), ENTRY.type);
  bytes.set(encodeGuid(partition.uuid), ENTRY.uuid);
  view.setBigUint64(ENTRY.firstLba, BigInt(partition.start / sectorSize), true);
  view.setBigUint64(ENTRY.lastLba, BigInt((partition.start + partition.size) / sectorSize - 1), true);
  view.setBigUint64(ENTRY.attributes, partition.attributes ?? 0n, true);
  bytes.set(Buffer.from(partition.label, 'utf16le'), ENTRY.label);
}

/** One partition of type 0xEE over the whole disk, so that tools which know only MBR see it as taken. */
function protectiveMbr(layout: DiskLayout): Uint8Array {
  const bytes = new Uint8Array(layout.sectorSize);
  const view = viewOf(bytes);
  const record = 446;
  bytes.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], record);
  view.setUint32(record + 8, 1, true);
  view.setUint32(record + 12, Math.min(layout.size / layout.sectorSize - 1, 0xffffffff), true);
  view.setUint16(510, 0xaa55, true);
  return bytes;
}
