import type { ByteString } from '@cairn/bytes';

/** encoding/base64 and base32 (RFC 4648, with padding), and Go's errors as text, which is what sprig gives. */

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function encode(value: ByteString, alphabet: string, bits: number, group: number): ByteString {
  const out: string[] = [];
  let buffer = 0;
  let held = 0;
  for (let index = 0; index < value.length; index++) {
    buffer = (buffer << 8) | value.charCodeAt(index);
    held += 8;
    while (held >= bits) {
      held -= bits;
      out.push(alphabet.charAt((buffer >> held) & ((1 << bits) - 1)));
    }
    buffer &= (1 << held) - 1;
  }
  if (held > 0) out.push(alphabet.charAt((buffer << (bits - held)) & ((1 << bits) - 1)));
  while (out.length % group !== 0) out.push('=');
  return out.join('');
}

export function encodeBase64(value: ByteString): ByteString {
  return encode(value, BASE64, 6, 4);
}

export function encodeBase32(value: ByteString): ByteString {
  return encode(value, BASE32, 5, 8);
}

/** Where padding may begin in a group: behind so many characters. */
const PADDING: Readonly<Record<number, readonly number[]>> = { 4: [2, 3], 8: [2, 4, 5, 7] };

/** The bytes, or how many characters were read before the one that does not fit. */
function decode(value: ByteString, alphabet: string, bits: number, group: number): ByteString | number {
  const out: string[] = [];
  let buffer = 0;
  let held = 0;
  let at = 0;
  let inGroup = 0;
  const isLineEnd = (index: number) => value.charAt(index) === '\n' || value.charAt(index) === '\r';
  for (; at < value.length; at++) {
    if (isLineEnd(at)) continue;
    const char = value.charAt(at);
    if (char === '=') break;
    const digit = alphabet.indexOf(char);
    if (digit < 0) return at;
    inGroup = (inGroup + 1) % group;
    buffer = ((buffer << bits) | digit) & 0xffff;
    held += bits;
    if (held >= 8) {
      held -= 8;
      out.push(String.fromCharCode((buffer >> held) & 0xff));
    }
  }
  const padded = padding(value, at, inGroup, group);
  return typeof padded === 'number' ? padded : out.join('');
}

/** Checks the end from the first `=`: enough of them, and nothing behind. */
function padding(value: ByteString, start: number, inGroup: number, group: number): true | number {
  let at = start;
  if (at >= value.length) return inGroup === 0 ? true : at - inGroup;
  if (!(PADDING[group] ?? []).includes(inGroup)) return at;
  let missing = group - inGroup;
  for (; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\n' || char === '\r') continue;
    if (char !== '=' || missing === 0) return group === 4 && char !== '=' && missing > 0 ? at - 1 : at;
    missing--;
  }
  return missing === 0 ? true : value.length;
}

export function decodeBase64(value: ByteString): ByteString {
  const result = decode(value, BASE64, 6, 4);
  return typeof result === 'number' ? `illegal base64 data at input byte ${result}` : result;
}

export function decodeBase32(value: ByteString): ByteString {
  const result = decode(value, BASE32, 5, 8);
  return typeof result === 'number' ? `illegal base32 data at input byte ${result}` : result;
}
