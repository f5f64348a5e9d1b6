import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { decodeRune, encodeRune, isPrint, RUNE_ERROR } from './runes.ts';

/** `strconv.Quote`, `Unquote` and their parts. */

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
  [0x0b, '\\v'],
]);

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

export function quoteRune(rune: number, quote: string, asciiOnly = false): ByteString {
  if (rune === quote.charCodeAt(0) || rune === 0x5c) return `\\${String.fromCharCode(rune)}`;
  if (isPrint(rune) && (!asciiOnly || rune < 0x80)) return encodeRune(rune);
  const known = ESCAPES.get(rune);
  if (known !== undefined) return known;
  if (rune < 0x20 || rune === 0x7f) return `\\x${hex(rune, 2)}`;
  return rune < 0x10000 ? `\\u${hex(rune, 4)}` : `\\U${hex(rune, 8)}`;
}

export function quote(text: ByteString, asciiOnly = false): ByteString {
  const parts: ByteString[] = ['"'];
  for (let at = 0; at < text.length; ) {
    const { rune, size } = decodeRune(text, at);
    parts.push(
      rune === RUNE_ERROR && size === 1
        ? `\\x${hex(text.charCodeAt(at), 2)}`
        : quoteRune(rune, '"', asciiOnly),
    );
    at += size;
  }
  parts.push('"');
  return parts.join('');
}

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

interface Char {
  readonly text: ByteString;
  readonly rune: number;
  readonly end: number;
}

/** One character of a quoted string or rune constant; undefined where Go says "invalid syntax". */
export function unquoteChar(text: ByteString, at: number, quote: string): Char | undefined {
  const char = text.charAt(at);
  if (char === quote || char === '') return undefined;
  if (char !== '\\') {
    const { rune, size } = decodeRune(text, at);
    return { text: text.slice(at, at + size), rune, end: at + size };
  }
  const letter = text.charAt(at + 1);
  const digits = HEX_DIGITS[letter];
  if (digits !== undefined && Object.hasOwn(HEX_DIGITS, letter)) {
    const code = text.slice(at + 2, at + 2 + digits);
    if (code.length < digits || !/^[0-9a-fA-F]+$/.test(code)) return undefined;
    const rune = Number.parseInt(code, 16);
    const end = at + 2 + digits;
    if (letter === 'x') return { text: String.fromCharCode(rune), rune, end };
    if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) return undefined;
    return { text: encodeRune(rune), rune, end };
  }
  if (/[0-7]/.test(letter)) {
    const code = text.slice(at + 1, at + 4);
    if (!/^[0-7]{3}$/.test(code)) return undefined;
    const rune = Number.parseInt(code, 8);
    return rune > 255 ? undefined : { text: String.fromCharCode(rune), rune, end: at + 4 };
  }
  const simple = Object.hasOwn(SIMPLE, letter) ? SIMPLE[letter] : undefined;
  if (simple === undefined || ((letter === "'" || letter === '"') && letter !== quote)) return undefined;
  return { text: String.fromCharCode(simple), rune: simple, end: at + 2 };
}

export function unquote(text: ByteString): ByteString {
  if (text.startsWith('`')) return text.slice(1, -1).replaceAll('\r', '');
  const parts: ByteString[] = [];
  for (let at = 1; at < text.length - 1; ) {
    const char = unquoteChar(text, at, '"');
    if (char === undefined) {
      const shown = text.slice(at, at + 2);
      throw new Failure('invalid syntax', {
        hint: `${shown} is no escape of Go: write \\\\ for a backslash, or quote the text with backquotes`,
      });
    }
    parts.push(char.text);
    at = char.end;
  }
  return parts.join('');
}
