import type { ByteString } from '@cairn/bytes';
import { quote } from '../text/quote.ts';
import { decodeRune, encodeRune, isDigit, isLetter } from '../text/runes.ts';

/** The items of text/template's own lexer, under its names: its messages speak of them. */
export type ItemType =
  | 'error'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'complex'
  | 'assign'
  | 'declare'
  | 'eof'
  | 'field'
  | 'identifier'
  | 'leftDelim'
  | 'leftParen'
  | 'number'
  | 'pipe'
  | 'rawString'
  | 'rightDelim'
  | 'rightParen'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'
  | 'dot'
  | 'nil'
  | Keyword;

export type Keyword =
  | 'block'
  | 'break'
  | 'continue'
  | 'define'
  | 'else'
  | 'end'
  | 'if'
  | 'range'
  | 'template'
  | 'with';

export const KEYWORDS: readonly Keyword[] = [
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
];

export interface Item {
  readonly type: ItemType;
  /** In bytes. */
  readonly offset: number;
  readonly text: ByteString;
}

/** An action from `{{` to behind `}}`, or to the end where it is not closed. */
export interface Span {
  readonly start: number;
  end: number;
}

const LEFT = '{{';
const RIGHT = '}}';
const END_OF_FILE = -1;
const TRIM = ' \t\r\n';

/**
 * The whole source as items; the last is `eof` or `error`. A port of text/template/parse/lex.go (Go 1.19), state for
 * state, so that what is accepted and where an error is seen are the same.
 */
export function lex(source: ByteString): {
  readonly items: readonly Item[];
  readonly spans: readonly Span[];
} {
  const lexer = new Lexer(source);
  lexer.run();
  return { items: lexer.items, spans: lexer.spans };
}

export function isSpaceRune(rune: number): boolean {
  return rune === 0x20 || rune === 0x09 || rune === 0x0d || rune === 0x0a;
}

export function isAlphaNumeric(rune: number): boolean {
  return rune === 0x5f || isLetter(rune) || isDigit(rune);
}

/** As Go's `%#U`: U+0021 '!'. */
function unicodeName(rune: number): string {
  const code = `U+${(rune < 0 ? 0xffffffffffffffffn : BigInt(rune)).toString(16).toUpperCase().padStart(4, '0')}`;
  return rune > 0x20 && rune !== 0x7f ? `${code} '${encodeRune(rune)}'` : code;
}

class Lexer {
  readonly source: ByteString;
  readonly items: Item[] = [];
  readonly spans: Span[] = [];
  #start = 0;
  #position = 0;
  #parentheses = 0;
  #failed = false;

  constructor(source: ByteString) {
    this.source = source;
  }

  run(): void {
    while (!this.#failed && this.#text()) {
      if (this.#comment()) continue;
      while (!this.#failed && this.#inAction()) {
        // Each call takes one item.
      }
    }
  }

  #emit(type: ItemType): void {
    this.items.push({ type, offset: this.#start, text: this.source.slice(this.#start, this.#position) });
    this.#start = this.#position;
  }

  #fail(message: ByteString): void {
    this.items.push({ type: 'error', offset: this.#start, text: message });
    this.#failed = true;
  }

  #peek(): number {
    return this.#position >= this.source.length ? END_OF_FILE : decodeRune(this.source, this.#position).rune;
  }

  #next(): number {
    if (this.#position >= this.source.length) return END_OF_FILE;
    const { rune, size } = decodeRune(this.source, this.#position);
    this.#position += size;
    return rune;
  }

  /** Text up to an action; whether there is one. */
  #text(): boolean {
    const at = this.source.indexOf(LEFT, this.#position);
    if (at < 0) {
      this.#position = this.source.length;
      if (this.#position > this.#start) this.#emit('text');
      this.#emit('eof');
      return false;
    }
    const trims = this.#hasLeftMarker(at + LEFT.length);
    let end = at;
    if (trims) while (end > this.#start && TRIM.includes(this.source.charAt(end - 1))) end--;
    this.#position = end;
    if (end > this.#start) this.#emit('text');
    this.#position = at;
    this.#start = at;
    this.spans.push({ start: at, end: this.source.length });
    return true;
  }

  #hasLeftMarker(at: number): boolean {
    return this.source.charAt(at) === '-' && isSpaceRune(this.source.charCodeAt(at + 1));
  }

  #hasRightMarker(at: number): boolean {
    return isSpaceRune(this.source.charCodeAt(at)) && this.source.charAt(at + 1) === '-';
  }

  /** Takes `{{` and its trim marker, and the rest if it is a comment; whether it is. */
  #comment(): boolean {
    this.#position += LEFT.length;
    const marker = this.#hasLeftMarker(this.#position) ? 2 : 0;
    if (!this.source.startsWith('/*', this.#position + marker)) {
      this.#emit('leftDelim');
      this.#position += marker;
      this.#start = this.#position;
      this.#parentheses = 0;
      return false;
    }
    this.#position += marker;
    this.#start = this.#position;
    const end = this.source.indexOf('*/', this.#position + 2);
    if (end < 0) {
      this.#fail('unclosed comment');
      return true;
    }
    this.#position = end + 2;
    if (!this.#atRight()) {
      this.#fail('comment ends before closing delimiter');
      return true;
    }
    this.#closeAction();
    this.#start = this.#position;
    return true;
  }

  #atRight(): boolean {
    return this.source.startsWith(RIGHT, this.#position + (this.#hasRightMarker(this.#position) ? 2 : 0))
      ? true
      : this.source.startsWith(RIGHT, this.#position);
  }

  /** Steps over the right delimiter with its trim marker and what that trims. */
  #closeAction(emit = false): void {
    const trims = this.#hasRightMarker(this.#position);
    if (trims) {
      this.#position += 2;
      this.#start = this.#position;
    }
    this.#position += RIGHT.length;
    if (emit) this.#emit('rightDelim');
    const span = this.spans.at(-1);
    if (span !== undefined) span.end = this.#position;
    if (!trims) return;
    while (this.#position < this.source.length && TRIM.includes(this.source.charAt(this.#position))) {
      this.#position++;
    }
    this.#start = this.#position;
  }

  /** One item inside of an action; false behind its end. */
  #inAction(): boolean {
    if (this.#atRight()) {
      if (this.#parentheses > 0) {
        this.#fail('unclosed left paren');
        return false;
      }
      this.#closeAction(true);
      return false;
    }
    const rune = this.#next();
    if (rune === END_OF_FILE) {
      this.#fail('unclosed action');
      return false;
    }
    if (isSpaceRune(rune)) return this.#space();
    const char = rune < 0x80 ? String.fromCharCode(rune) : '';
    switch (char) {
      case '=':
        this.#emit('assign');
        return true;
      case ':':
        if (this.#next() !== 0x3d) this.#fail('expected :=');
        else this.#emit('declare');
        return true;
      case '|':
        this.#emit('pipe');
        return true;
      case '"':
        this.#quoted('"', 'string', 'unterminated quoted string');
        return true;
      case "'":
        this.#quoted("'", 'charConstant', 'unterminated character constant');
        return true;
      case '`':
        this.#rawString();
        return true;
      case '$':
        this.#word('variable');
        return true;
      case '.':
        if (/[0-9]/.test(this.source.charAt(this.#position))) return this.#number();
        this.#word('field');
        return true;
      case '(':
        this.#emit('leftParen');
        this.#parentheses++;
        return true;
      case ')':
        this.#emit('rightParen');
        if (--this.#parentheses < 0) this.#fail(`unexpected right paren ${unicodeName(rune)}`);
        return true;
      default:
        break;
    }
    if (char === '+' || char === '-' || /[0-9]/.test(char)) return this.#number();
    if (isAlphaNumeric(rune)) this.#identifier();
    else if (rune >= 0x21 && rune < 0x7f) this.#emit('char');
    else this.#fail(`unrecognized character in action: ${unicodeName(rune)}`);
    return true;
  }

  #space(): boolean {
    while (isSpaceRune(this.#peek())) this.#position++;
    // The last space may be the first half of a trim marker.
    const last = this.#position - 1;
    if (this.#hasRightMarker(last) && this.source.startsWith(RIGHT, last + 2)) {
      this.#position = last;
      if (last === this.#start) {
        this.#closeAction(true);
        return false;
      }
    }
    this.#emit('space');
    return true;
  }

  #identifier(): void {
    while (isAlphaNumeric(this.#peek())) this.#next();
    if (!this.#atTerminator()) {
      this.#fail(`bad character ${unicodeName(this.#peek())}`);
      return;
    }
    const word = this.source.slice(this.#start, this.#position);
    const keyword = KEYWORDS.find((keyword) => keyword === word);
    if (keyword !== undefined) this.#emit(keyword);
    else if (word === 'nil') this.#emit('nil');
    else this.#emit(word === 'true' || word === 'false' ? 'bool' : 'identifier');
  }

  /** A field or a variable; alone, the dot. */
  #word(type: 'field' | 'variable'): void {
    if (this.#atTerminator()) {
      this.#emit(type === 'variable' ? 'variable' : 'dot');
      return;
    }
    while (isAlphaNumeric(this.#peek())) this.#next();
    if (this.#atTerminator()) this.#emit(type);
    else this.#fail(`bad character ${unicodeName(this.#peek())}`);
  }

  #atTerminator(): boolean {
    const rune = this.#peek();
    if (rune === END_OF_FILE || isSpaceRune(rune)) return true;
    return '.,|:)('.includes(encodeRune(rune)) || this.source.startsWith(RIGHT, this.#position);
  }

  #quoted(quote: string, type: ItemType, unterminated: string): void {
    for (;;) {
      const rune = this.#next();
      const escaped = rune === 0x5c ? this.#next() : undefined;
      const broken = escaped ?? rune;
      if (broken === END_OF_FILE || broken === 0x0a) {
        this.#fail(unterminated);
        return;
      }
      if (escaped === undefined && rune === quote.charCodeAt(0)) break;
    }
    this.#emit(type);
  }

  #rawString(): void {
    const end = this.source.indexOf('`', this.#position);
    if (end < 0) {
      this.#fail('unterminated raw quoted string');
      return;
    }
    this.#position = end + 1;
    this.#emit('rawString');
  }

  #number(): boolean {
    this.#position = this.#start;
    const scanned = this.#scanNumber();
    const sign = this.#peek();
    if (scanned && sign !== 0x2b && sign !== 0x2d) {
      this.#emit('number');
      return true;
    }
    if (scanned && this.#scanNumber() && this.source.charAt(this.#position - 1) === 'i') {
      this.#emit('complex');
      return true;
    }
    this.#fail(`bad number syntax: ${quote(this.source.slice(this.#start, this.#position))}`);
    return false;
  }

  #accept(chars: string): boolean {
    const char = this.source.charAt(this.#position);
    if (char === '' || !chars.includes(char)) return false;
    this.#position++;
    return true;
  }

  #acceptRun(chars: string): void {
    while (this.#accept(chars)) {
      // Each call takes one.
    }
  }

  #scanNumber(): boolean {
    const decimal = '0123456789_';
    let digits = decimal;
    this.#accept('+-');
    if (this.#accept('0')) {
      if (this.#accept('xX')) digits = '0123456789abcdefABCDEF_';
      else if (this.#accept('oO')) digits = '01234567_';
      else if (this.#accept('bB')) digits = '01_';
    }
    this.#acceptRun(digits);
    if (this.#accept('.')) this.#acceptRun(digits);
    const exponent = digits === decimal ? 'eE' : digits.length > decimal.length ? 'pP' : '';
    if (exponent !== '' && this.#accept(exponent)) {
      this.#accept('+-');
      this.#acceptRun(decimal);
    }
    this.#accept('i');
    if (!isAlphaNumeric(this.#peek())) return true;
    this.#next();
    return false;
  }
}
