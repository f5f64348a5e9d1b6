import type { Timestamp } from '@cairn/tree';

/** A number in both byte orders, little-endian first (ECMA-119, sections 7.2.3 and 7.3.3). */
export function setBoth16(view: DataView, offset: number, value: number): void {
  view.setUint16(offset, value, true);
  view.setUint16(offset + 2, value, false);
}

export function setBoth32(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value, true);
  view.setUint32(offset + 4, value, false);
}

const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(2155, 11, 31, 23, 59, 59, 990);

/** A moment as a date in UTC. What ISO 9660 has no year for becomes the nearest that it can say. */
function dateOf(time: Timestamp): Date {
  const milliseconds = time.seconds * 1000 + Math.floor(time.nanoseconds / 1e6);
  return new Date(Math.min(LATEST, Math.max(EARLIEST, milliseconds)));
}

/** The seven bytes of a directory record's time (section 9.1.5). */
export function encodeRecordTime(time: Timestamp): Uint8Array {
  const date = dateOf(time);
  return Uint8Array.of(
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  );
}

/** The 17 bytes of a volume's time: digits down to hundredths, then the offset from UTC (section 8.4.26.1). */
export function encodeVolumeTime(time: Timestamp): Uint8Array {
  const digits = dateOf(time)
    .toISOString()
    .replaceAll(/[^0-9]/g, '')
    .slice(0, 16);
  return new TextEncoder().encode(`${digits}\0`);
}

/** "Not specified", which is digits too. */
export const NO_VOLUME_TIME = new TextEncoder().encode(`${'0'.repeat(16)}\0`);
