import { type ByteString, fromText } from '@cairn/bytes';

/** Go's view of a byte string as runes: what is not UTF-8 is U+FFFD, one byte at a time. */

export const RUNE_ERROR = 0xfffd;

export interface Rune {
  readonly rune: number;
  /** Bytes that it takes; 1 where it is not UTF-8. */
  readonly size: number;
}

export function decodeRune(text: ByteString, at: number): Rune {
  const first = text.charCodeAt(at);
  if (first < 0x80) return { rune: first, size: 1 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > text.length) return { rune: RUNE_ERROR, size: 1 };
  let rune = first & (0xff >> (size + 1));
  for (let index = 1; index < size; index++) {
    const next = text.charCodeAt(at + index);
    if ((next & 0xc0) !== 0x80) return { rune: RUNE_ERROR, size: 1 };
    rune = (rune << 6) | (next & 0x3f);
  }
  const tooLong = (size === 3 && rune < 0x800) || (size === 4 && rune < 0x10000);
  if (tooLong || rune > 0x10ffff || isSurrogate(rune)) return { rune: RUNE_ERROR, size: 1 };
  return { rune, size };
}

export function encodeRune(rune: number): ByteString {
  if (rune >= 0 && rune < 0x80) return String.fromCharCode(rune);
  const valid = rune >= 0 && rune <= 0x10ffff && !isSurrogate(rune);
  return fromText(String.fromCodePoint(valid ? rune : RUNE_ERROR));
}

function isSurrogate(rune: number): boolean {
  return rune >= 0xd800 && rune <= 0xdfff;
}

export function runesOf(text: ByteString): number[] {
  const runes: number[] = [];
  for (let at = 0; at < text.length; ) {
    const { rune, size } = decodeRune(text, at);
    runes.push(rune);
    at += size;
  }
  return runes;
}

export function runeCount(text: ByteString): number {
  let count = 0;
  for (let at = 0; at < text.length; count++) at += decodeRune(text, at).size;
  return count;
}

export function mapRunes(text: ByteString, change: (rune: number) => number): ByteString {
  const parts: ByteString[] = [];
  for (const rune of runesOf(text)) parts.push(encodeRune(change(rune)));
  return parts.join('');
}

function matches(pattern: RegExp, rune: number): boolean {
  return !isSurrogate(rune) && rune >= 0 && rune <= 0x10ffff && pattern.test(String.fromCodePoint(rune));
}

export function isLetter(rune: number): boolean {
  return matches(/\p{L}/u, rune);
}

export function isDigit(rune: number): boolean {
  return matches(/\p{Nd}/u, rune);
}

export function isUpper(rune: number): boolean {
  return matches(/\p{Lu}/u, rune);
}

export function isLower(rune: number): boolean {
  return matches(/\p{Ll}/u, rune);
}

export function isSpace(rune: number): boolean {
  if (rune < 0x80) return rune === 0x20 || (rune >= 0x09 && rune <= 0x0d);
  return rune === 0x85 || matches(/\p{Z}/u, rune);
}

/** `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of the spaces only U+0020. */
export function isPrint(rune: number): boolean {
  if (rune < 0x80) return rune >= 0x20 && rune < 0x7f;
  return matches(/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u, rune);
}

/** One rune for one rune, as Go maps them: "ß" stays, where JavaScript makes "SS" of it. */
function mapCase(rune: number, text: string): number {
  const points = Array.from(text);
  return points.length === 1 ? (points[0]?.codePointAt(0) ?? rune) : rune;
}

export function toUpper(rune: number): number {
  return mapCase(rune, String.fromCodePoint(rune).toUpperCase());
}

export function toLower(rune: number): number {
  // The only letter whose single lower-case rune JavaScript spells with two.
  if (rune === 0x130) return 0x69;
  return mapCase(rune, String.fromCodePoint(rune).toLowerCase());
}

export function trimSpace(text: ByteString): ByteString {
  const runes = runesOf(text);
  let start = 0;
  for (let index = 0; index < runes.length && isSpace(runes[index] ?? 0); index++) {
    start += decodeRune(text, start).size;
  }
  let end = text.length;
  for (let index = runes.length - 1; end > start && isSpace(runes[index] ?? 0); index--) {
    end -= encodeRune(runes[index] ?? 0).length;
  }
  return text.slice(start, end);
}

/** The positions at which runes start, and the end. */
export function boundaries(text: ByteString): number[] {
  const starts: number[] = [];
  let at = 0;
  for (; at < text.length; at += decodeRune(text, at).size) starts.push(at);
  starts.push(at);
  return starts;
}
