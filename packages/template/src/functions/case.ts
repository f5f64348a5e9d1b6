import type { ByteString } from '@cairn/bytes';
import {
  decodeRune,
  encodeRune,
  isDigit,
  isLetter,
  isLower,
  isSpace,
  isUpper,
  mapRunes,
  RUNE_ERROR,
  toLower,
  toUpper,
} from '../text/runes.ts';

/** Go's strings, goutils and xstrings where they change case. */

export function toUpperCase(value: ByteString): ByteString {
  return mapRunes(value, toUpper);
}

export function toLowerCase(value: ByteString): ByteString {
  return mapRunes(value, toLower);
}

/** `strings.Title`: a word begins behind what is neither letter, digit nor _. */
export function title(value: ByteString): ByteString {
  let before = 0x20;
  return mapRunes(value, (rune) => {
    const begins = isSeparator(before);
    before = rune;
    return begins ? toUpper(rune) : rune;
  });
}

function isSeparator(rune: number): boolean {
  if (rune < 0x80) return !/[0-9A-Za-z_]/.test(String.fromCharCode(rune));
  return !isLetter(rune) && !isDigit(rune) && isSpace(rune);
}

export function untitle(value: ByteString): ByteString {
  let begins = true;
  return mapRunes(value, (rune) => {
    if (isSpace(rune)) {
      begins = true;
      return rune;
    }
    const changed = begins ? toLower(rune) : rune;
    begins = false;
    return changed;
  });
}

export function swapCase(value: ByteString): ByteString {
  return mapRunes(value, (rune) => (isUpper(rune) ? toLower(rune) : isLower(rune) ? toUpper(rune) : rune));
}

/** goutils takes bytes for characters here, and so writes others than ASCII wrongly: the same is done. */
export function initials(value: ByteString): ByteString {
  let gap = true;
  const letters: ByteString[] = [];
  for (const char of value) {
    const code = char.charCodeAt(0);
    if (isSpace(code)) gap = true;
    else if (gap) {
      letters.push(encodeRune(code));
      gap = false;
    }
  }
  return letters.join('');
}

function isConnector(rune: number): boolean {
  return rune === 0x2d || rune === 0x5f || isSpace(rune);
}

/** xstrings.ToCamelCase: connectors at the beginning and end stay. */
export function camelCase(value: ByteString): ByteString {
  const runes: number[] = [];
  for (let at = 0; at < value.length; at += decodeRune(value, at).size)
    runes.push(decodeRune(value, at).rune);
  const out: number[] = [];
  let index = 0;
  while (index < runes.length && isConnector(runes[index] ?? 0)) out.push(runes[index++] ?? 0);
  if (index >= runes.length) return out.map(encodeRune).join('');
  let current = toUpper(runes[index++] ?? 0);
  for (; index < runes.length; index++) {
    const previous = current;
    current = runes[index] ?? 0;
    if (isConnector(current) && isConnector(previous)) {
      out.push(previous);
    } else if (isConnector(previous)) {
      current = toUpper(current);
    } else {
      current = toLower(current);
      out.push(previous);
    }
  }
  out.push(current);
  return out.map(encodeRune).join('');
}

type WordType = 'invalid' | 'number' | 'upper' | 'alphabet' | 'connector' | 'punctuation' | 'other';

interface Word {
  readonly type: WordType;
  readonly text: ByteString;
  readonly rest: ByteString;
}

function isPunctuation(rune: number): boolean {
  return /\p{P}/u.test(String.fromCodePoint(rune));
}

function isNumber(rune: number): boolean {
  return /\p{N}/u.test(String.fromCodePoint(rune));
}

/** Scripts whose letters do not make up words of an alphabet are left out, as xstrings does. */
function isAlphabet(rune: number): boolean {
  return (
    isLetter(rune) &&
    !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(
      String.fromCodePoint(rune),
    )
  );
}

function takeWhile(value: ByteString, from: number, test: (rune: number) => boolean): number {
  let at = from;
  while (at < value.length) {
    const { rune, size } = decodeRune(value, at);
    if (rune !== RUNE_ERROR && !test(rune)) break;
    at += size;
  }
  return at;
}

function nextWord(value: ByteString): Word {
  if (value === '') return { type: 'invalid', text: '', rest: '' };
  const { rune, size } = decodeRune(value, 0);
  const word = (type: WordType, end: number): Word => ({
    type,
    text: value.slice(0, end),
    rest: value.slice(end),
  });
  if (rune === RUNE_ERROR) return word('invalid', size);
  if (isConnector(rune)) return word('connector', takeWhile(value, size, isConnector));
  if (isPunctuation(rune)) return word('punctuation', takeWhile(value, size, isPunctuation));
  if (isUpper(rune)) return word('upper', upperEnd(value, size));
  const lower = (rune: number) => isAlphabet(rune) && !isUpper(rune);
  if (isAlphabet(rune)) return word('alphabet', takeWhile(value, size, lower));
  if (isNumber(rune)) return word('number', takeWhile(value, size, isNumber));
  const isOther = (rune: number) =>
    !isConnector(rune) && !isAlphabet(rune) && !isNumber(rune) && !isPunctuation(rune);
  return word('other', takeWhile(value, size, isOther));
}

/** "HTTPServer" is HTTP and Server. */
function upperEnd(value: ByteString, start: number): number {
  if (start >= value.length) return start;
  const { rune } = decodeRune(value, start);
  const lower = (rune: number) => isAlphabet(rune) && !isUpper(rune);
  if (!isUpper(rune)) return isAlphabet(rune) ? takeWhile(value, start, lower) : start;
  const end = takeWhile(value, start, isUpper);
  if (end >= value.length || !isAlphabet(decodeRune(value, end).rune)) return end;
  let at = start;
  for (let next = at; next < end; next += decodeRune(value, next).size) at = next;
  return at;
}

/** xstrings.ToSnakeCase and ToKebabCase, branch for branch. */
export function joinWords(value: ByteString, connector: string): ByteString {
  const out: ByteString[] = [];
  const put = (type: WordType, text: ByteString): void => {
    out.push(type === 'upper' || type === 'connector' ? lowered(text, connector) : text);
  };
  let word: Word = nextWord(value);
  const current = (): Word => word;
  const isRun = () => word.type === 'alphabet' || word.type === 'number';
  const takeRun = (): void => {
    while (isRun()) {
      put(word.type, word.text);
      word = nextWord(word.rest);
    }
  };
  const joins = () => word.type !== 'connector' && word.type !== 'punctuation';
  while (word.rest !== '') {
    if (word.type !== 'connector') put(word.type, word.text);
    const before = word;
    word = nextWord(word.rest);
    if (before.type === 'number') {
      takeRun();
      if (current().type !== 'invalid' && joins()) out.push(connector);
    } else if (before.type === 'connector') {
      put(before.type, before.text);
    } else if (before.type !== 'punctuation') {
      if (word.type !== 'number') {
        if (joins()) out.push(connector);
        continue;
      }
      if (word.rest === '') continue;
      const number = word.text;
      word = nextWord(word.rest);
      if (word.type !== 'alphabet') {
        put('number', number);
        if (joins()) out.push(connector);
        continue;
      }
      out.push(connector);
      put('number', number);
      takeRun();
      if (current().type !== 'invalid' && joins()) out.push(connector);
    }
  }
  put(word.type, word.text);
  return out.join('');
}

function lowered(text: ByteString, connector: string): ByteString {
  const out: ByteString[] = [];
  for (let at = 0; at < text.length; ) {
    const { rune, size } = decodeRune(text, at);
    at += size;
    if (isConnector(rune)) out.push(connector);
    else out.push(encodeRune(isUpper(rune) ? toLower(rune) : rune));
  }
  return out.join('');
}

/** As with `initials`, bytes are taken for characters as soon as there is white space. */
export function noSpace(value: ByteString): ByteString {
  const kept = Array.from(value).filter((char) => !isSpace(char.charCodeAt(0)));
  return kept.length === value.length ? value : kept.map((char) => encodeRune(char.charCodeAt(0))).join('');
}
