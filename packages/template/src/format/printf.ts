import type { ByteString } from '@cairn/bytes';
import type { Budget } from '../limits.ts';
import { decodeRune } from '../text/runes.ts';
import { GoInt, typeName, type Value } from '../value/value.ts';
import { type Flags, noFlags } from './flags.ts';
import { Printer } from './printer.ts';

/** Widths beyond it are errors, as in Go. */
const MAX_WIDTH = 1_000_000;

/** `fmt.Sprintf`. */
export function sprintf(format: ByteString, values: readonly Value[], budget: Budget): ByteString {
  const printer = new Printer(budget);
  new Format(printer, format, values).run();
  return printer.text();
}

/** The reading of a format: which flags, widths and arguments belong to which verb. */
class Format {
  readonly #printer: Printer;
  readonly #format: ByteString;
  readonly #values: readonly Value[];
  #at = 0;
  #next = 0;
  #reordered = false;
  #goodIndex = true;

  constructor(printer: Printer, format: ByteString, values: readonly Value[]) {
    this.#printer = printer;
    this.#format = format;
    this.#values = values;
  }

  run(): void {
    const format = this.#format;
    while (this.#at < format.length) {
      const percent = format.indexOf('%', this.#at);
      const end = percent < 0 ? format.length : percent;
      if (end > this.#at) this.#printer.write(format.slice(this.#at, end));
      this.#at = end + 1;
      if (percent >= 0) this.#verb();
    }
    this.#printer.flags = noFlags();
    if (!this.#reordered && this.#next < this.#values.length) this.#extra();
  }

  #extra(): void {
    this.#printer.write('%!(EXTRA ');
    for (const [index, value] of this.#values.slice(this.#next).entries()) {
      if (index > 0) this.#printer.write(', ');
      if (value === undefined || value === null) {
        this.#printer.write('<nil>');
        continue;
      }
      this.#printer.write(`${typeName(value)}=`);
      this.#printer.value(value, 'v');
    }
    this.#printer.write(')');
  }

  #verb(): void {
    const flags = noFlags();
    this.#goodIndex = true;
    this.#reordered = false;
    this.#readFlags(flags);
    let afterIndex = this.#argumentNumber();
    if (this.#format.charAt(this.#at) === '*') {
      this.#at++;
      flags.width = this.#starWidth(flags);
      afterIndex = false;
    } else {
      flags.width = this.#number();
      if (afterIndex && flags.width !== undefined) this.#goodIndex = false;
    }
    if (this.#format.charAt(this.#at) === '.') {
      this.#at++;
      if (afterIndex) this.#goodIndex = false;
      afterIndex = this.#argumentNumber();
      if (this.#format.charAt(this.#at) === '*') {
        this.#at++;
        flags.precision = this.#starPrecision();
        afterIndex = false;
      } else {
        flags.precision = this.#number() ?? 0;
      }
    }
    if (!afterIndex) this.#argumentNumber();
    this.#print(flags);
  }

  #readFlags(flags: Flags): void {
    for (; ; this.#at++) {
      switch (this.#format.charAt(this.#at)) {
        case '#':
          flags.sharp = true;
          break;
        case '0':
          flags.zero = !flags.minus;
          break;
        case '+':
          flags.plus = true;
          break;
        case '-':
          flags.minus = true;
          flags.zero = false;
          break;
        case ' ':
          flags.space = true;
          break;
        default:
          return;
      }
    }
  }

  #print(flags: Flags): void {
    if (this.#at >= this.#format.length) {
      this.#printer.write('%!(NOVERB)');
      return;
    }
    const { rune, size } = decodeRune(this.#format, this.#at);
    const verb = this.#format.slice(this.#at, this.#at + size);
    this.#at += size;
    if (rune === 0x25) {
      this.#printer.write('%');
    } else if (!this.#goodIndex) {
      this.#printer.write(`%!${verb}(BADINDEX)`);
    } else if (this.#next >= this.#values.length) {
      this.#printer.write(`%!${verb}(MISSING)`);
    } else {
      if (verb === 'v') {
        // The other flags of %+v and %#v are for structs.
        flags.asGo = flags.sharp;
        flags.sharp = false;
        flags.plus = false;
      }
      this.#printer.flags = flags;
      this.#printer.value(this.#values[this.#next], verb);
      this.#next++;
    }
  }

  #number(): number | undefined {
    const match = /^[0-9]+/.exec(this.#format.slice(this.#at, this.#at + 10));
    if (match === null) return undefined;
    this.#at += match[0].length;
    const value = Number(match[0]);
    return value > MAX_WIDTH ? undefined : value;
  }

  /** `[2]`: takes the second argument next. */
  #argumentNumber(): boolean {
    if (this.#format.charAt(this.#at) !== '[') return false;
    this.#reordered = true;
    const close = this.#format.indexOf(']', this.#at);
    if (close < 0) {
      this.#goodIndex = false;
      this.#at++;
      return false;
    }
    const text = this.#format.slice(this.#at + 1, close);
    this.#at = close + 1;
    const index = Number(text);
    if (/^[0-9]+$/.test(text) && index >= 1 && index <= this.#values.length) {
      this.#next = index - 1;
      return true;
    }
    this.#goodIndex = false;
    return true;
  }

  #star(): number | undefined {
    const value = this.#values[this.#next];
    if (this.#next < this.#values.length) this.#next++;
    if (!(value instanceof GoInt)) return undefined;
    const number = Number(value.value);
    return Math.abs(number) > MAX_WIDTH ? undefined : number;
  }

  #starWidth(flags: Flags): number | undefined {
    const width = this.#star();
    if (width === undefined) this.#printer.write('%!(BADWIDTH)');
    if (width === undefined || width >= 0) return width;
    flags.minus = true;
    flags.zero = false;
    return -width;
  }

  #starPrecision(): number | undefined {
    const precision = this.#star();
    if (precision === undefined || precision < 0) {
      if (precision === undefined) this.#printer.write('%!(BADPREC)');
      return undefined;
    }
    return precision;
  }
}
