import { alignUp, viewOf } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import { RECORD, SECTOR } from './format.ts';
import { encodeRecordTime, setBoth16, setBoth32 } from './numbers.ts';

export interface RecordFields {
  /** A name without Rock Ridge, or one byte: 0 for the folder itself, 1 for the one above. */
  readonly id: Uint8Array;
  readonly sector: number;
  /** In bytes. */
  readonly size: number;
  readonly flags: number;
  readonly time: Timestamp;
  /** Rock Ridge's entries. */
  readonly systemUse: Uint8Array;
}

/** A directory record (ECMA-119, section 9.1). Its name and its whole are padded to an even length. */
export function encodeRecord({ id, sector, size, flags, time, systemUse }: RecordFields): Uint8Array {
  const systemUseAt = alignUp(RECORD.id + id.length, 2);
  const bytes = new Uint8Array(alignUp(systemUseAt + systemUse.length, 2));
  const view = viewOf(bytes);
  view.setUint8(RECORD.length, bytes.length);
  setBoth32(view, RECORD.extent, sector);
  setBoth32(view, RECORD.dataLength, size);
  bytes.set(encodeRecordTime(time), RECORD.time);
  view.setUint8(RECORD.flags, flags);
  setBoth16(view, RECORD.sequenceNumber, 1);
  view.setUint8(RECORD.idLength, id.length);
  bytes.set(id, RECORD.id);
  bytes.set(systemUse, systemUseAt);
  return bytes;
}

/** Records one after another, none of them over the border of two sectors (section 6.8.1.1). */
export function packRecords(records: readonly Uint8Array[]): Uint8Array {
  const offsets: number[] = [];
  let end = 0;
  for (const { length } of records) {
    const left = SECTOR - (end % SECTOR);
    if (length > left) end += left;
    offsets.push(end);
    end += length;
  }
  const bytes = new Uint8Array(alignUp(end, SECTOR));
  for (const [index, record] of records.entries()) bytes.set(record, offsets[index]);
  return bytes;
}
