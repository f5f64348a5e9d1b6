import { concatBytes, viewOf } from '@cairn/bytes';
import { encodeGpt, type Placed } from '../gpt/encode.ts';
import { directoryRecords, encodePathTable, rootRecord } from './directory.ts';
import {
  BOOT,
  BOOT_RECORD_SECTOR,
  DESCRIPTOR_TYPE,
  FIRST_DESCRIPTOR,
  SECTOR,
  STANDARD_ID,
  VOLUME,
} from './format.ts';
import type { IsoExtent, IsoLayout } from './layout.ts';
import { encodeVolumeTime, NO_VOLUME_TIME, setBoth16, setBoth32 } from './numbers.ts';
import { packRecords } from './records.ts';
import { extensionReference } from './rock-ridge.ts';

const encoder = new TextEncoder();

/** Everything of a volume but what is in its files, to be written as it is. */
export function encodeIso(layout: IsoLayout): Placed[] {
  const { directories, pathTable, continuation, boot, disk } = layout;
  const gpt = disk && encodeGpt(disk);
  const terminator = FIRST_DESCRIPTOR + (boot === undefined ? 1 : 2);
  return [
    ...(gpt === undefined ? [] : [gpt.primary]),
    { position: FIRST_DESCRIPTOR * SECTOR, bytes: primaryDescriptor(layout) },
    ...(boot === undefined
      ? []
      : [
          { position: BOOT_RECORD_SECTOR * SECTOR, bytes: bootRecord(boot.catalog) },
          { position: boot.catalog, bytes: bootCatalog(boot.image) },
        ]),
    { position: terminator * SECTOR, bytes: descriptor(DESCRIPTOR_TYPE.terminator) },
    { position: pathTable.little, bytes: encodePathTable(directories, true) },
    { position: pathTable.big, bytes: encodePathTable(directories, false) },
    ...directories.map((directory) => ({
      position: directory.position,
      bytes: packRecords(directoryRecords(directory, layout)),
    })),
    { position: continuation, bytes: extensionReference() },
    ...(gpt === undefined ? [] : [gpt.backup]),
  ];
}

function descriptor(type: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  bytes[VOLUME.type] = type;
  bytes.set(encoder.encode(STANDARD_ID), VOLUME.standardId);
  bytes[VOLUME.version] = 1;
  return bytes;
}

/** Section 8.4. */
function primaryDescriptor(layout: IsoLayout): Uint8Array {
  const { pathTable, time } = layout;
  const bytes = descriptor(DESCRIPTOR_TYPE.primary);
  const view = viewOf(bytes);
  function text(offset: number, end: number, value = ''): void {
    bytes.set(encoder.encode(value.padEnd(end - offset)), offset);
  }
  text(VOLUME.systemId, VOLUME.volumeId, 'LINUX');
  text(VOLUME.volumeId, VOLUME.volumeId + VOLUME.volumeIdLength, layout.volumeId);
  setBoth32(view, VOLUME.spaceSize, layout.size / SECTOR);
  setBoth16(view, VOLUME.setSize, 1);
  setBoth16(view, VOLUME.sequenceNumber, 1);
  setBoth16(view, VOLUME.blockSize, SECTOR);
  setBoth32(view, VOLUME.pathTableSize, pathTable.size);
  view.setUint32(VOLUME.littlePathTable, pathTable.little / SECTOR, true);
  view.setUint32(VOLUME.bigPathTable, pathTable.big / SECTOR, false);
  bytes.set(rootRecord(layout), VOLUME.rootRecord);
  text(VOLUME.volumeSetId, VOLUME.publisher);
  text(VOLUME.publisher, VOLUME.preparer);
  text(VOLUME.preparer, VOLUME.application);
  text(VOLUME.application, VOLUME.copyrightFile, 'CAIRN');
  // The names of three files that there are not.
  text(VOLUME.copyrightFile, VOLUME.created);
  bytes.set(encodeVolumeTime(time), VOLUME.created);
  bytes.set(encodeVolumeTime(time), VOLUME.modified);
  bytes.set(NO_VOLUME_TIME, VOLUME.expires);
  bytes.set(NO_VOLUME_TIME, VOLUME.effective);
  bytes[VOLUME.structureVersion] = 1;
  bytes.set(layout.applicationUse, VOLUME.applicationUse);
  return bytes;
}

function bootRecord(catalog: number): Uint8Array {
  const bytes = descriptor(DESCRIPTOR_TYPE.boot);
  bytes.set(encoder.encode(BOOT.systemId), BOOT.systemIdOffset);
  viewOf(bytes).setUint32(BOOT.catalog, catalog / SECTOR, true);
  return bytes;
}

/** Validation entry and default entry: for UEFI, without emulation. */
function bootCatalog(image: IsoExtent): Uint8Array {
  const validation = new Uint8Array(BOOT.entrySize);
  validation.set([1, BOOT.efiPlatform]);
  validation.set(encoder.encode('CAIRN'), 4);
  validation.set([0x55, 0xaa], 30);
  viewOf(validation).setUint16(28, -sumOfWords(validation), true);

  const entry = new Uint8Array(BOOT.entrySize);
  const view = viewOf(entry);
  view.setUint8(0, BOOT.bootable);
  const units = Math.ceil(image.size / BOOT.unit);
  // What 16 bits cannot say is said by 1: firmware then takes all up to the volume's end, and the file system knows its size.
  view.setUint16(6, units > 0xffff ? 1 : units, true);
  view.setUint32(8, image.position / SECTOR, true);
  return concatBytes([validation, entry, new Uint8Array(SECTOR - 2 * BOOT.entrySize)]);
}

/** Of 16 bits each; those of a validation entry add up to zero. */
export function sumOfWords(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += view.getUint16(offset, true);
  return sum & 0xffff;
}
