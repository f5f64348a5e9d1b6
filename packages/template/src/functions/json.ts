import { type ByteString, fromText, toText } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { formatFloat } from '../format/float.ts';
import type { Budget } from '../limits.ts';
import { decodeRune, encodeRune, RUNE_ERROR } from '../text/runes.ts';
import { formatTime } from '../text/time-format.ts';
import { GoDuration, GoInt, GoList, GoMap, GoTime, type Value } from '../value/value.ts';

/** encoding/json: keys sorted, numbers float64, and text escaped as Go escapes it. */

export type JsonResult = { readonly value: Value } | { readonly failure: Failure };

export function fromJson(text: ByteString, budget: Budget): JsonResult {
  const failure = (message: string): JsonResult => ({
    failure: new Failure(`invalid JSON: ${message}`, { hint: 'the text must be one JSON value' }),
  });
  let depth = 0;
  let quoted = false;
  budget.spend(text.length);
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === '[' || char === '{')) budget.depth(++depth);
    else if (!quoted && (char === ']' || char === '}')) depth--;
  }
  let data: unknown;
  try {
    data = JSON.parse(toText(text));
  } catch {
    return failure('it cannot be read');
  }
  const value = jsonValue(data);
  return value === undefined ? failure('a number is too large') : { value };
}

/** Undefined if a number is beyond float64. */
function jsonValue(data: unknown): Value {
  if (typeof data === 'string') return fromText(data);
  if (typeof data === 'number') return Number.isFinite(data) ? data : undefined;
  if (typeof data === 'boolean') return data;
  if (Array.isArray(data)) {
    const items = data.map(jsonValue);
    return items.includes(undefined) ? undefined : new GoList(items);
  }
  if (typeof data !== 'object' || data === null) return null;
  const map = new GoMap();
  for (const [key, entry] of Object.entries(data)) {
    const value = jsonValue(entry);
    if (value === undefined) return undefined;
    map.entries.set(fromText(key), value);
  }
  return map;
}

export function toJson(value: Value, escapeHtml: boolean, budget: Budget): ByteString {
  return new Writer(escapeHtml, undefined, budget).text(value);
}

export function toPrettyJson(value: Value, budget: Budget): ByteString {
  return new Writer(true, '  ', budget).text(value);
}

/** What a piece of text costs beyond its bytes. */
const PART = 8;

class Writer {
  readonly #escapeHtml: boolean;
  readonly #indent: string | undefined;
  readonly #budget: Budget;
  readonly #parts: ByteString[] = [];

  constructor(escapeHtml: boolean, indent: string | undefined, budget: Budget) {
    this.#escapeHtml = escapeHtml;
    this.#indent = indent;
    this.#budget = budget;
  }

  text(value: Value): ByteString {
    this.#value(value, 0);
    return this.#parts.join('');
  }

  #write(text: ByteString): void {
    this.#budget.spend(text.length + PART);
    this.#parts.push(text);
  }

  #value(value: Value, depth: number): void {
    this.#budget.depth(depth);
    if (value === undefined || value === null) this.#write('null');
    else if (typeof value === 'string') this.#write(this.#string(value));
    else if (typeof value === 'number') this.#write(numberText(value));
    else if (typeof value === 'boolean') this.#write(String(value));
    else if (value instanceof GoInt || value instanceof GoDuration) this.#write(String(value.value));
    else if (value instanceof GoList) this.#list(value, depth);
    else if (value instanceof GoMap) this.#map(value, depth);
    else if (value instanceof GoTime)
      this.#write(`"${formatTime(value, '2006-01-02T15:04:05.999999999Z07:00')}"`);
    else this.#write(this.#string(value.toString()));
  }

  #line(depth: number): void {
    if (this.#indent !== undefined) this.#write(`\n${this.#indent.repeat(depth)}`);
  }

  #list(list: GoList, depth: number): void {
    if (list.isNil) {
      this.#write('null');
      return;
    }
    this.#write('[');
    for (const [index, item] of list.items.entries()) {
      if (index > 0) this.#write(',');
      this.#line(depth + 1);
      this.#value(item, depth + 1);
    }
    if (list.items.length > 0) this.#line(depth);
    this.#write(']');
  }

  #map(map: GoMap, depth: number): void {
    this.#write('{');
    for (const [index, [key, value]] of map.sorted().entries()) {
      if (index > 0) this.#write(',');
      this.#line(depth + 1);
      this.#write(this.#string(key) + (this.#indent === undefined ? ':' : ': '));
      this.#value(value, depth + 1);
    }
    if (map.entries.size > 0) this.#line(depth);
    this.#write('}');
  }

  #string(text: ByteString): ByteString {
    const parts: ByteString[] = ['"'];
    for (let at = 0; at < text.length; ) {
      const { rune, size } = decodeRune(text, at);
      at += size;
      parts.push(size === 1 && rune === RUNE_ERROR ? '\\ufffd' : this.#rune(rune));
    }
    parts.push('"');
    return parts.join('');
  }

  #rune(rune: number): ByteString {
    switch (rune) {
      case 0x22:
        return '\\"';
      case 0x5c:
        return '\\\\';
      case 0x0a:
        return '\\n';
      case 0x0d:
        return '\\r';
      case 0x09:
        return '\\t';
      default:
        break;
    }
    const isHtml = rune === 0x3c || rune === 0x3e || rune === 0x26;
    if (rune < 0x20 || rune === 0x2028 || rune === 0x2029 || (isHtml && this.#escapeHtml)) {
      return `\\u${rune.toString(16).padStart(4, '0')}`;
    }
    return encodeRune(rune);
  }
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) {
    throw new Failure(`json: unsupported value: ${formatFloat(value, 'g', -1)}`, {
      hint: 'JSON has no such number',
    });
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e21))
    return formatFloat(value, 'e', -1).replace(/e([+-])0/, 'e$1');
  return formatFloat(value, 'f', -1);
}
