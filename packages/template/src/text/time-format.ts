import { GoTime } from '../value/value.ts';

/** Go's layouts ("2006-01-02 15:04:05"), in UTC. */

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

interface Clock {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly yearDay: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
}

const DAY = 86_400;

/** The proleptic Gregorian calendar by days since 1970, for all years (Howard Hinnant's civil_from_days). */
export function clockOf(time: GoTime): Clock {
  const total = Number(time.seconds);
  const days = Math.floor(total / DAY);
  const rest = total - days * DAY;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = (shiftedMonth + 2) % 12;
  const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0);
  return {
    year,
    month,
    day,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - daysFromCivil(year, 0, 1) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
    nanosecond: time.nanoseconds,
  };
}

function daysFromCivil(year: number, month: number, day: number): number {
  const shiftedYear = month < 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 10) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

// Longer ones first, as Go's nextStdChunk prefers them; a "Jan" or "Mon" within a longer lower-case word is text.
const CHUNK =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|_2006|__2|_2|002|01|02|03|04|05|06|1(?!5)|15|2|3|4|5|PM|pm|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|[.,](?:0+|9+)(?![0-9])/g;

export function formatTime(time: GoTime, layout: string): string {
  const clock = clockOf(time);
  return layout.replaceAll(CHUNK, (chunk) => formatChunk(chunk, clock));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function yearText(year: number): string {
  return year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0');
}

function formatChunk(chunk: string, clock: Clock): string {
  const twelve = clock.hour % 12 === 0 ? 12 : clock.hour % 12;
  switch (chunk) {
    case 'January':
      return MONTHS[clock.month] ?? '';
    case 'Jan':
      return (MONTHS[clock.month] ?? '').slice(0, 3);
    case 'Monday':
      return DAYS[clock.weekday] ?? '';
    case 'Mon':
      return (DAYS[clock.weekday] ?? '').slice(0, 3);
    case 'MST':
      return 'UTC';
    case '2006':
      return yearText(clock.year);
    case '_2006':
      return `_${yearText(clock.year)}`;
    case '__2':
      return String(clock.yearDay).padStart(3, ' ');
    case '002':
      return String(clock.yearDay).padStart(3, '0');
    case '_2':
      return String(clock.day).padStart(2, ' ');
    case '01':
      return two(clock.month + 1);
    case '1':
      return String(clock.month + 1);
    case '02':
      return two(clock.day);
    case '2':
      return String(clock.day);
    case '15':
      return two(clock.hour);
    case '03':
      return two(twelve);
    case '3':
      return String(twelve);
    case '04':
      return two(clock.minute);
    case '4':
      return String(clock.minute);
    case '05':
      return two(clock.second);
    case '5':
      return String(clock.second);
    case '06':
      return two(((clock.year % 100) + 100) % 100);
    case 'PM':
      return clock.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return clock.hour >= 12 ? 'pm' : 'am';
    default:
      return chunk.startsWith('.') || chunk.startsWith(',')
        ? fractionText(chunk, clock.nanosecond)
        : zoneText(chunk);
  }
}

function fractionText(chunk: string, nanosecond: number): string {
  const digits = String(nanosecond)
    .padStart(9, '0')
    .slice(0, chunk.length - 1)
    .padEnd(chunk.length - 1, '0');
  if (chunk.charAt(1) === '0') return chunk.charAt(0) + digits;
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : chunk.charAt(0) + kept;
}

function zoneText(chunk: string): string {
  if (chunk.startsWith('Z')) return 'Z';
  return `+${chunk.slice(1).replaceAll('7', '0')}`;
}

/**
 * Reads a time by a layout: the numeric chunks, names of months and days, and zones as offsets or UTC. Undefined
 * where text and layout do not fit.
 */
export function parseTime(layout: string, text: string): GoTime | undefined {
  const parts = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, fraction: '', pm: '', offset: 0 };
  let rest = text;
  let last = 0;
  const take = (pattern: RegExp): string | undefined => {
    const match = pattern.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    return match[0];
  };
  for (const match of layout.matchAll(CHUNK)) {
    const literal = layout.slice(last, match.index);
    if (!rest.startsWith(literal)) return undefined;
    rest = rest.slice(literal.length);
    last = match.index + match[0].length;
    if (!readChunk(match[0], take, parts)) return undefined;
  }
  if (rest !== layout.slice(last)) return undefined;
  return assemble(parts);
}

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  fraction: string;
  pm: string;
  offset: number;
}

const ONE_OR_TWO = /^[0-9]{1,2}/;
const TWO = /^[0-9]{2}/;

function readChunk(chunk: string, take: (pattern: RegExp) => string | undefined, parts: Parts): boolean {
  const number = (pattern: RegExp, set: (value: number) => void): boolean => {
    const digits = take(pattern);
    if (digits !== undefined) set(Number(digits.trim()));
    return digits !== undefined;
  };
  const name = (
    names: readonly string[],
    length: number | undefined,
    set: (index: number) => void,
  ): boolean => {
    const index = names.findIndex((name) => take(new RegExp(`^${name.slice(0, length)}`, 'i')) !== undefined);
    if (index >= 0) set(index);
    return index >= 0;
  };
  switch (chunk) {
    case '2006':
      return number(/^[0-9]{4}/, (value) => (parts.year = value));
    case '06':
      return number(TWO, (value) => (parts.year = value >= 69 ? 1900 + value : 2000 + value));
    case 'January':
      return name(MONTHS, undefined, (index) => (parts.month = index + 1));
    case 'Jan':
      return name(MONTHS, 3, (index) => (parts.month = index + 1));
    case 'Monday':
      return name(DAYS, undefined, () => undefined);
    case 'Mon':
      return name(DAYS, 3, () => undefined);
    case '01':
      return number(TWO, (value) => (parts.month = value));
    case '1':
      return number(ONE_OR_TWO, (value) => (parts.month = value));
    case '02':
      return number(TWO, (value) => (parts.day = value));
    case '2':
      return number(ONE_OR_TWO, (value) => (parts.day = value));
    case '_2':
      return number(/^ ?[0-9]{1,2}/, (value) => (parts.day = value));
    case '15':
    case '3':
      return number(ONE_OR_TWO, (value) => (parts.hour = value));
    case '03':
      return number(TWO, (value) => (parts.hour = value));
    case '04':
      return number(TWO, (value) => (parts.minute = value));
    case '4':
      return number(ONE_OR_TWO, (value) => (parts.minute = value));
    case '05':
    case '5':
      if (!number(chunk === '05' ? TWO : ONE_OR_TWO, (value) => (parts.second = value))) return false;
      parts.fraction = take(/^[.,][0-9]+/)?.slice(1) ?? '';
      return true;
    case 'PM':
    case 'pm':
      parts.pm = take(chunk === 'PM' ? /^(?:AM|PM)/ : /^(?:am|pm)/)?.toLowerCase() ?? '';
      return parts.pm !== '';
    case 'MST':
      return take(/^(?:UTC|GMT)/) !== undefined;
    default:
      if (chunk.startsWith('.') || chunk.startsWith(',')) {
        // Go has taken it with the seconds already.
        return parts.fraction !== '' || chunk.charAt(1) === '9';
      }
      return readZone(chunk, take, parts);
  }
}

function readZone(chunk: string, take: (pattern: RegExp) => string | undefined, parts: Parts): boolean {
  if (chunk.startsWith('Z') && take(/^Z/) !== undefined) return true;
  const colon = chunk.includes(':') ? ':' : '';
  const minutes = chunk.length > 3 ? `${colon}[0-9]{2}` : '';
  const text = take(new RegExp(`^[+-][0-9]{2}${minutes}`));
  if (text === undefined) return false;
  const digits = text.replaceAll(/[^0-9]/g, '');
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60;
  parts.offset = text.startsWith('-') ? -seconds : seconds;
  return true;
}

function assemble(parts: Parts): GoTime | undefined {
  const { year, month, day, minute, second } = parts;
  let { hour } = parts;
  if (parts.pm === 'pm' && hour < 12) hour += 12;
  if (parts.pm === 'am' && hour === 12) hour = 0;
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 || day < 1) return undefined;
  const days = daysFromCivil(year, month - 1, day);
  const back = clockOf(new GoTime(BigInt(days * DAY)));
  if (back.day !== day) return undefined;
  const seconds = days * DAY + hour * 3600 + minute * 60 + second - parts.offset;
  return new GoTime(BigInt(seconds), Number(parts.fraction.slice(0, 9).padEnd(9, '0')));
}
