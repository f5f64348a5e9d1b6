import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { durationText, parseDuration } from '../text/time.ts';
import { formatTime, parseTime } from '../text/time-format.ts';
import { GoInt, GoTime, type Value } from '../value/value.ts';
import { toInt64 } from './cast.ts';
import { type Context, define, type GoFunction, text, time } from './function.ts';

/** sprig's dates (date.go), all in UTC: a machine's own zone must not change what a configuration means. */
export const DATES: readonly GoFunction[] = [
  define('now', '', 'the time that the caller gives', (_, context) => now(context)),
  define('date', 'string any', 'a time, or seconds since 1970, in a layout of Go', (args, context) =>
    formatTime(timeOf(args[1], context), text(args, 0)),
  ),
  ...['dateInZone', 'date_in_zone'].map((name) =>
    define(name, 'string any string', 'the same; the zone is UTC, or an error', (args, context) => {
      checkZone(text(args, 2));
      return formatTime(timeOf(args[1], context), text(args, 0));
    }),
  ),
  define('htmlDate', 'any', 'as 2006-01-02', ([value], context) =>
    formatTime(timeOf(value, context), '2006-01-02'),
  ),
  define('htmlDateInZone', 'any string', 'the same; the zone is UTC, or an error', (args, context) => {
    checkZone(text(args, 1));
    return formatTime(timeOf(args[0], context), '2006-01-02');
  }),
  ...['dateModify', 'date_modify'].map((name) =>
    define(name, 'string time', 'later by a duration; unchanged if it is none', (args) => {
      const duration = parseDuration(text(args, 0));
      return duration === undefined ? time(args, 1) : later(time(args, 1), duration);
    }),
  ),
  ...['mustDateModify', 'must_date_modify'].map((name) =>
    define(name, 'string time', 'later by a duration', (args) => {
      const duration = parseDuration(text(args, 0));
      if (duration === undefined) {
        throw new Failure(`time: invalid duration "${text(args, 0)}"`, { hint: 'a duration is like -1h30m' });
      }
      return later(time(args, 1), duration);
    }),
  ),
  define(
    'toDate',
    'string string',
    'the time that a text says in a layout; year 1 if it says none',
    (args) => parseTime(text(args, 0), text(args, 1)) ?? YEAR_ONE,
  ),
  define('mustToDate', 'string string', 'the same, but an error if it says none', (args) => {
    const parsed = parseTime(text(args, 0), text(args, 1));
    if (parsed !== undefined) return parsed;
    throw new Failure(`parsing time "${text(args, 1)}" as "${text(args, 0)}": cannot parse it`, {
      hint: 'a layout shows how Monday, 2 January 2006, 15:04:05 is written',
    });
  }),
  define('unixEpoch', 'time', 'seconds since 1970, as text', (args) => String(time(args, 0).seconds)),
  define('ago', 'any', 'the duration since a time', ([value], context) => {
    const since = nanoseconds(now(context)) - nanoseconds(timeOf(value, context));
    return durationText(rounded(since));
  }),
  define('duration', 'any', 'seconds as 1h2m3s', ([value]) => durationText(seconds(value) * SECOND)),
  define('durationRound', 'any', 'a duration in its largest unit: 2h, 3mo', ([value], context) =>
    roundDuration(
      typeof value === 'string'
        ? (parseDuration(value) ?? 0n)
        : value instanceof GoTime
          ? nanoseconds(now(context)) - nanoseconds(value)
          : value instanceof GoInt && value.kind === 'int64'
            ? value.value
            : 0n,
    ),
  ),
];

const SECOND = 1_000_000_000n;
/** Go's zero time. */
const YEAR_ONE = new GoTime(-62_135_596_800n);

function now({ now }: Context): GoTime {
  if (now === undefined) {
    throw new Failure('there is no clock here', {
      code: 'unavailable',
      hint: 'a configuration that depends on when it is read means something else each time',
    });
  }
  const milliseconds = now();
  const seconds = Math.floor(milliseconds / 1000);
  return new GoTime(BigInt(seconds), Math.round((milliseconds - seconds * 1000) * 1e6));
}

function timeOf(value: Value, context: Context): GoTime {
  if (value instanceof GoTime) return value;
  if (value instanceof GoInt && (value.kind === 'int' || value.kind === 'int64' || value.kind === 'int32')) {
    if (value.value > MOST || value.value < -MOST) {
      throw new Failure(`${value.value} seconds are no time of the calendar`, {
        hint: 'give seconds since 1970',
      });
    }
    return new GoTime(value.value);
  }
  return now(context);
}

/** Some 30,000 years; beyond, numbers would no longer be exact. */
const MOST = 1_000_000_000_000n;

function checkZone(zone: ByteString): void {
  if (zone === 'UTC' || zone === '' || zone === 'Local') return;
  throw new Failure(`the time zone ${zone} is not known here`, {
    code: 'unavailable',
    hint: 'there is no time zone database in the initrd: write "UTC"',
  });
}

function nanoseconds(time: GoTime): bigint {
  return time.seconds * SECOND + BigInt(time.nanoseconds);
}

function later(time: GoTime, duration: bigint): GoTime {
  const total = nanoseconds(time) + duration;
  const rest = ((total % SECOND) + SECOND) % SECOND;
  return new GoTime((total - rest) / SECOND, Number(rest));
}

/** To whole seconds, half away from zero. */
function rounded(duration: bigint): bigint {
  const half = duration < 0n ? -SECOND / 2n : SECOND / 2n;
  return ((duration + half) / SECOND) * SECOND;
}

function seconds(value: Value): bigint {
  if (value instanceof GoInt) return value.kind === 'int64' ? value.value : 0n;
  return typeof value === 'string' && /^[+-]?[0-9]+$/.test(value)
    ? toInt64(value.replace(/^([+-]?)0+(?=[0-9])/, '$1'))
    : 0n;
}

const UNITS: readonly (readonly [string, bigint])[] = [
  ['y', 8760n * 3600n],
  ['mo', 720n * 3600n],
  ['d', 24n * 3600n],
  ['h', 3600n],
  ['m', 60n],
  ['s', 1n],
];

function roundDuration(duration: bigint): string {
  const size = duration < 0n ? -duration : duration;
  const unit = UNITS.find(([, length]) => size > length * SECOND);
  return unit === undefined ? '0s' : `${size / (unit[1] * SECOND)}${unit[0]}`;
}
