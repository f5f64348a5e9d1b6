import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { parseFloat64, parseInteger } from '../text/number.ts';
import { quote, unquoteChar } from '../text/quote.ts';
import type { NumberNode } from './node.ts';

const MIN_INT = -(1n << 63n);
const MAX_INT = (1n << 63n) - 1n;
const MAX_UINT = (1n << 64n) - 1n;

export function numberNode(offset: number, text: ByteString, isChar: boolean): NumberNode {
  if (isChar) {
    const char = unquoteChar(text, 1, "'");
    if (char === undefined) {
      throw new Failure('invalid syntax', {
        hint: 'a character constant is one character between single quotes; texts take double quotes',
      });
    }
    if (char.end !== text.length - 1) {
      throw new Failure(`malformed character constant: ${text}`, {
        hint: `single quotes hold one character: write ${quote(text.slice(1, -1))}`,
      });
    }
    return { type: 'number', offset, text, int: BigInt(char.rune), float: char.rune, isFloat: false };
  }
  if (text.endsWith('i')) {
    throw new Failure(`complex number ${text} is not supported`, {
      code: 'unavailable',
      hint: 'configuration has no use for complex numbers',
    });
  }
  const int = parseInteger(text, 0);
  if (int !== undefined && int >= MIN_INT && int <= MAX_UINT) {
    return { type: 'number', offset, text, int, float: Number(int), isFloat: false };
  }
  const float = parseFloat64(text);
  if (float === undefined || !Number.isFinite(float)) {
    throw new Failure(`illegal number syntax: ${quote(text)}`);
  }
  if (!/[.eEpP]/.test(text)) throw new Failure(`integer overflow: ${quote(text)}`);
  const whole = Number.isInteger(float) ? BigInt(float) : undefined;
  const fits = whole !== undefined && whole >= MIN_INT && whole <= MAX_INT;
  return { type: 'number', offset, text, int: fits ? whole : undefined, float, isFloat: true };
}
