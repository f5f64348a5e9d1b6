import type { ByteString } from '@cairn/bytes';
import type { Budget } from '../limits.ts';
import { quote, quoteRune } from '../text/quote.ts';
import { boundaries, decodeRune, encodeRune, isPrint, RUNE_ERROR, runeCount } from '../text/runes.ts';
import { durationText, timeText } from '../text/time.ts';
import {
  GoDuration,
  GoInt,
  GoList,
  GoMap,
  GoTime,
  type GoVersion,
  typeName,
  type Value,
} from '../value/value.ts';
import { type Flags, noFlags } from './flags.ts';
import { binaryFloat, formatFloat, hexFloat } from './float.ts';

/** Go's fmt: how a verb prints a value, and its way to say that they do not fit (`%!d(string=hi)`). */

/** What a piece of text costs beyond its bytes. */
const PART = 8;

export class Printer {
  readonly #budget: Budget;
  readonly #parts: ByteString[] = [];
  /** Of the verb at work. */
  flags: Flags = noFlags();
  #depth = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  text(): ByteString {
    return this.#parts.join('');
  }

  write(text: ByteString): void {
    this.#budget.spend(text.length + PART);
    this.#parts.push(text);
  }

  #pad(text: ByteString): void {
    const { width, minus, zero } = this.flags;
    const missing = width === undefined ? 0 : width - runeCount(text);
    if (missing <= 0) {
      this.write(text);
      return;
    }
    this.#budget.spend(missing);
    const filler = (zero && !minus ? '0' : ' ').repeat(missing);
    this.write(minus ? text + filler : filler + text);
  }

  value(value: Value, verb: string, inside = false): void {
    if (value === undefined || value === null) {
      if (inside) this.write(this.flags.asGo ? 'interface {}(nil)' : '<nil>');
      else if (verb === 'T' || verb === 'v') this.#pad('<nil>');
      else this.#bad(value, verb);
      return;
    }
    if (verb === 'T') {
      this.#string(typeName(value), 's');
      return;
    }
    if (typeof value === 'boolean') {
      if (verb === 't' || verb === 'v') this.#pad(String(value));
      else this.#bad(value, verb);
      return;
    }
    if (typeof value === 'number') this.#float(value, verb);
    else if (typeof value === 'string') this.#string(value, verb);
    else if (value instanceof GoInt) this.#integer(value, verb);
    else if (value instanceof GoList) this.#list(value, verb);
    else if (value instanceof GoMap) this.#map(value, verb);
    else this.#stringer(value, verb);
  }

  /** Types that have a `String` method. */
  #stringer(value: GoTime | GoDuration | GoVersion, verb: string): void {
    if (value instanceof GoDuration && !'vsxXq'.includes(verb)) {
      this.#integer(new GoInt(value.value, 'int64'), verb);
      return;
    }
    const text =
      value instanceof GoTime
        ? timeText(value)
        : value instanceof GoDuration
          ? durationText(value.value)
          : value.toString();
    if ('vsxXq'.includes(verb)) this.#string(text, verb === 'v' ? 's' : verb);
    else this.#bad(value, verb);
  }

  /** Go keeps the flags: `%05d` of a string is %!d(string=000hi). */
  #bad(value: Value, verb: string): void {
    this.write(`%!${verb}(`);
    if (value === undefined || value === null) {
      this.write('<nil>');
    } else {
      this.write(`${typeName(value)}=`);
      this.value(value, 'v');
    }
    this.write(')');
  }

  #string(value: ByteString, verb: string): void {
    const { asGo, precision } = this.flags;
    switch (verb) {
      case 'v':
        this.#pad(asGo ? this.#quoted(value) : this.#truncated(value));
        return;
      case 's':
        this.#pad(this.#truncated(value));
        return;
      case 'q':
        this.#pad(this.#quoted(this.#truncated(value)));
        return;
      case 'x':
      case 'X':
        this.#pad(this.#hexadecimal(precision === undefined ? value : value.slice(0, precision), verb));
        return;
      default:
        this.#bad(value, verb);
    }
  }

  #truncated(value: ByteString): ByteString {
    const { precision } = this.flags;
    if (precision === undefined || precision >= value.length) return value;
    return value.slice(0, boundaries(value)[precision] ?? value.length);
  }

  #quoted(value: ByteString): ByteString {
    const { sharp, plus } = this.flags;
    if (sharp && canBackquote(value)) return `\`${value}\``;
    return quote(value, plus);
  }

  #hexadecimal(value: ByteString, verb: string): ByteString {
    const { sharp, space } = this.flags;
    this.#budget.spend(value.length * 5);
    const prefix = sharp ? `0${verb}` : '';
    const bytes = Array.from(value, (char) => char.charCodeAt(0).toString(16).padStart(2, '0'));
    const text = space
      ? bytes.map((byte) => prefix + (verb === 'X' ? byte.toUpperCase() : byte)).join(' ')
      : (bytes.length === 0 ? '' : prefix) + bytes.join('');
    return verb === 'X' && !space ? prefix + bytes.join('').toUpperCase() : text;
  }

  #integer(value: GoInt, verb: string): void {
    const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
    const base = Object.hasOwn(bases, verb) ? bases[verb] : undefined;
    if (base !== undefined) {
      if (verb === 'v' && this.flags.asGo && value.kind.startsWith('u')) {
        this.write(`0x${value.value.toString(16)}`);
        return;
      }
      this.#number(value.value, base, verb);
      return;
    }
    const rune = value.value >= 0n && value.value <= 0x10ffffn ? Number(value.value) : RUNE_ERROR;
    if (verb === 'c') this.#pad(encodeRune(rune));
    else if (verb === 'q') this.#pad(`'${quoteRune(rune, "'", this.flags.plus)}'`);
    else if (verb === 'U') this.#unicode(value.value);
    else this.#bad(value, verb);
  }

  #unicode(value: bigint): void {
    const digits = (value < 0n ? BigInt.asUintN(64, value) : value).toString(16).toUpperCase();
    const code = `U+${digits.padStart(Math.max(4, this.flags.precision ?? 4), '0')}`;
    const rune = Number(value);
    const shown = this.flags.sharp && rune >= 0 && rune <= 0x10ffff && isPrint(rune);
    const { zero } = this.flags;
    this.flags.zero = false;
    this.#pad(shown ? `${code} '${encodeRune(rune)}'` : code);
    this.flags.zero = zero;
  }

  #number(value: bigint, base: number, verb: string): void {
    const { width, precision, zero, minus, plus, space, sharp } = this.flags;
    const negative = value < 0n;
    let digits = (negative ? -value : value).toString(base);
    if (verb === 'X') digits = digits.toUpperCase();
    if (precision === 0 && value === 0n) {
      const kept = this.flags.zero;
      this.flags.zero = false;
      this.#pad('');
      this.flags.zero = kept;
      return;
    }
    let wanted = precision ?? 0;
    if (precision === undefined && zero && !minus && width !== undefined) {
      wanted = width - (negative || plus || space ? 1 : 0);
    }
    if (wanted > digits.length) {
      this.#budget.spend(wanted);
      digits = digits.padStart(wanted, '0');
    }
    let prefix = '';
    if (sharp && base === 2) prefix = '0b';
    else if (sharp && base === 16) prefix = verb === 'X' ? '0X' : '0x';
    else if (sharp && base === 8 && !digits.startsWith('0')) prefix = '0';
    if (verb === 'O') prefix = '0o';
    const sign = negative ? '-' : plus ? '+' : space ? ' ' : '';
    this.flags.zero = false;
    this.#pad(sign + prefix + digits);
    this.flags.zero = zero;
  }

  #float(value: number, verb: string): void {
    const { precision, plus, space, zero, minus, width } = this.flags;
    const defaults: Readonly<Record<string, number>> = {
      v: -1,
      g: -1,
      G: -1,
      b: -1,
      x: -1,
      X: -1,
      e: 6,
      E: 6,
      f: 6,
      F: 6,
    };
    const usual = Object.hasOwn(defaults, verb) ? defaults[verb] : undefined;
    if (usual === undefined) {
      this.#bad(value, verb);
      return;
    }
    const form = verb === 'v' ? 'g' : verb === 'F' ? 'f' : verb;
    const digits = precision ?? usual;
    this.#budget.spend(Math.max(0, digits) + 800);
    let text = floatText(value, form, digits);
    if (!/^[+-]/.test(text)) text = `+${text}`;
    if (this.flags.sharp && verb !== 'b') text = withPoint(text, form, digits);
    const unsigned = text.slice(1);
    const sign = text.startsWith('-') ? '-' : plus ? '+' : space ? ' ' : text === '+Inf' && plus ? '+' : '';
    const shown = text === '+Inf' && sign === '' ? '+Inf' : sign + unsigned;
    const isNumber = Number.isFinite(value);
    if (zero && !minus && isNumber && width !== undefined && width > shown.length) {
      this.#budget.spend(width);
      this.write(sign + unsigned.padStart(width - sign.length, '0'));
      return;
    }
    this.flags.zero = false;
    this.#pad(shown);
    this.flags.zero = zero;
  }

  #list(list: GoList, verb: string): void {
    this.#nested(() => {
      const asGo = this.flags.asGo && verb === 'v';
      if (asGo && list.isNil) {
        this.write(`${typeName(list)}(nil)`);
        return;
      }
      this.write(asGo ? `${typeName(list)}{` : '[');
      for (const [index, item] of list.items.entries()) {
        if (index > 0) this.write(asGo ? ', ' : ' ');
        this.value(item, verb, true);
      }
      this.write(asGo ? '}' : ']');
    });
  }

  #map(map: GoMap, verb: string): void {
    this.#nested(() => {
      const asGo = this.flags.asGo && verb === 'v';
      this.write(asGo ? `${typeName(map)}{` : 'map[');
      for (const [index, [key, value]] of map.sorted().entries()) {
        if (index > 0) this.write(asGo ? ', ' : ' ');
        this.value(key, verb, true);
        this.write(':');
        this.value(value, verb, true);
      }
      this.write(asGo ? '}' : ']');
    });
  }

  #nested(print: () => void): void {
    this.#budget.depth(++this.#depth);
    print();
    this.#depth--;
  }
}

function floatText(value: number, form: string, digits: number): string {
  switch (form) {
    case 'b':
      return binaryFloat(value);
    case 'x':
      return hexFloat(value, digits);
    case 'X':
      return hexFloat(value, digits).toUpperCase();
    case 'g':
    case 'G':
    case 'e':
    case 'E':
      return formatFloat(value, form, digits);
    default:
      return formatFloat(value, 'f', digits);
  }
}

/** The sharp flag keeps the point, and with %g the zeros behind it. */
function withPoint(text: string, form: string, digits: number): string {
  const [, body = '', tail = ''] = /^(.*?)([eEpP][+-][0-9]+)?$/.exec(text) ?? [];
  if (/Inf|NaN/.test(body)) return text;
  const missing =
    form === 'g' || form === 'G' || form === 'x' ? (digits < 0 ? 6 : digits) - significant(body) : 0;
  const pointed = body.includes('.') ? body : `${body}.`;
  return pointed + '0'.repeat(Math.max(0, missing)) + tail;
}

function significant(body: string): number {
  const digits = body.replaceAll(/[.+-]/g, '').replace(/^0+/, '');
  return Math.max(1, digits.length);
}

function canBackquote(text: ByteString): boolean {
  for (let at = 0; at < text.length; ) {
    const { rune, size } = decodeRune(text, at);
    at += size;
    if (rune === RUNE_ERROR && size === 1) return false;
    if (rune === 0xfeff || rune === 0x60 || rune === 0x7f || (rune < 0x20 && rune !== 0x09)) return false;
  }
  return true;
}
