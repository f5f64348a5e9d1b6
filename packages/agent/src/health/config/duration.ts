import type { Entry, Reader } from './reader.ts';

const DURATION = /^(?:(\d{1,4})h)?(?:(\d{1,5})m(?:in)?)?(?:(\d{1,6})s)?$/;

/** `90`, `90s`, `10m`, `1h30m`: seconds unless said otherwise. @returns milliseconds */
export function parseDuration(
  reader: Reader,
  entry: Entry,
  name: string,
  least: number,
  most: number,
): number {
  const milliseconds = millisecondsOf(reader.plain(entry));
  if (milliseconds === undefined) {
    throw reader.error(entry.line, `${name} is not a time, such as 90s, 10m or 1h`);
  }
  if (milliseconds < least || milliseconds > most) {
    throw reader.error(entry.line, `${name} is not between ${least / 1000} s and ${most / 60_000} min`);
  }
  return milliseconds;
}

function millisecondsOf(value: string | number | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value * 1000) : undefined;
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const [, hours = '0', minutes = '0', seconds = '0'] = DURATION.exec(value) ?? [];
  if (!DURATION.test(value)) return undefined;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}
