import type { GoTime } from '../value/value.ts';
import { formatTime } from './time-format.ts';

/** `time.Time`'s String. */
export function timeText(time: GoTime): string {
  return formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');
}

const SECOND = 1_000_000_000n;

/** `time.Duration`'s String: 1h2m3.5s. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const amount = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (amount < SECOND) {
    const [unit, size]: readonly [string, bigint] =
      amount < 1000n ? ['ns', 1n] : amount < 1_000_000n ? ['µs', 1000n] : ['ms', 1_000_000n];
    // As bytes of UTF-8, as all text here.
    const name = unit === 'µs' ? '\u00c2\u00b5s' : unit;
    return `${sign}${fraction(amount, size)}${name}`;
  }
  const hours = amount / (3600n * SECOND);
  const minutes = (amount / (60n * SECOND)) % 60n;
  const seconds = `${fraction(amount % (60n * SECOND), SECOND)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function fraction(amount: bigint, unit: bigint): string {
  const digits = (amount % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return digits === '' || unit === 1n ? `${amount / unit}` : `${amount / unit}.${digits}`;
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['\u00c2\u00b5s', 1000n],
  ['\u00ce\u00bcs', 1000n],
  ['ms', 1_000_000n],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3600n * SECOND],
]);

/** `time.ParseDuration`; undefined where it is none. */
export function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)(.*)$/s.exec(text);
  const body = match?.[2] ?? '';
  if (body === '0') return 0n;
  if (body === '' || body.length > 200) return undefined;
  let total = 0n;
  const part = /([0-9]*)(?:\.([0-9]*))?([^0-9.]+)/y;
  while (part.lastIndex < body.length) {
    const [, whole = '', decimals = '', unit = ''] = part.exec(body) ?? [];
    const size = UNITS.get(unit);
    if (size === undefined || whole + decimals === '') return undefined;
    total += BigInt(whole === '' ? 0 : whole) * size;
    if (decimals !== '') total += (BigInt(decimals) * size) / 10n ** BigInt(decimals.length);
  }
  if (total >= 1n << 63n) return undefined;
  return match?.[1] === '-' ? -total : total;
}
