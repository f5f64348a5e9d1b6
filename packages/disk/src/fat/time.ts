import type { Timestamp } from '@cairn/tree';

/** A moment as FAT stores it: a date, a time in steps of two seconds, and what is left in hundredths. */
export interface FatTime {
  readonly date: number;
  readonly time: number;
  readonly hundredths: number;
}

const EARLIEST = Date.UTC(1980, 0, 1);
const LATEST = Date.UTC(2107, 11, 31, 23, 59, 59, 990);

/** A moment in UTC. What lies outside of FAT's years, 1980 to 2107, becomes the nearest that it can say. */
export function encodeTime(timestamp: Timestamp): FatTime {
  const milliseconds = timestamp.seconds * 1000 + Math.floor(timestamp.nanoseconds / 1e6);
  const moment = new Date(Math.min(LATEST, Math.max(EARLIEST, milliseconds)));
  return {
    date: ((moment.getUTCFullYear() - 1980) << 9) | ((moment.getUTCMonth() + 1) << 5) | moment.getUTCDate(),
    time: (moment.getUTCHours() << 11) | (moment.getUTCMinutes() << 5) | (moment.getUTCSeconds() >> 1),
    hundredths: (moment.getUTCSeconds() % 2) * 100 + Math.floor(moment.getUTCMilliseconds() / 10),
  };
}

/** The moment of a date and a time; nonsense values, which drivers do write, become the nearest calendar moment. */
export function decodeTime(date: number, time: number): Timestamp {
  const milliseconds = Date.UTC(
    1980 + (date >>> 9),
    ((date >>> 5) & 0x0f) - 1,
    date & 0x1f,
    time >>> 11,
    (time >>> 5) & 0x3f,
    (time & 0x1f) * 2,
  );
  return { seconds: milliseconds / 1000, nanoseconds: 0 };
}
