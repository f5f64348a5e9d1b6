import type { ByteString } from '@cairn/bytes';
import { formatValue } from '../format/value.ts';
import type { Budget } from '../limits.ts';
import { parseFloat64, parseInteger } from '../text/number.ts';
import { GoDuration, GoInt, GoList, GoMap, type Value } from '../value/value.ts';

/** spf13/cast and sprig's helpers: what cannot be converted is 0, and is no error. */

const MIN_INT = -(1n << 63n);
const MAX_INT = (1n << 63n) - 1n;

export function toInt64(value: Value): bigint {
  if (value instanceof GoInt || value instanceof GoDuration) return BigInt.asIntN(64, value.value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return truncate(value);
  if (typeof value !== 'string') return 0n;
  const int = parseInteger(value.replace(/\.0+$/, ''), 0);
  return int === undefined || int < MIN_INT || int > MAX_INT ? 0n : int;
}

/** As amd64 converts: what does not fit becomes the least int64. */
function truncate(value: number): bigint {
  if (!Number.isFinite(value)) return MIN_INT;
  const whole = BigInt(Math.trunc(value));
  return whole < MIN_INT || whole > MAX_INT ? MIN_INT : whole;
}

export function toFloat64(value: Value): number {
  if (typeof value === 'number') return value;
  if (value instanceof GoInt || value instanceof GoDuration) return Number(value.value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return 0;
  const float = parseFloat64(value);
  const outOfRange = float !== undefined && !Number.isFinite(float) && !/inf|nan/i.test(value);
  return float === undefined || outOfRange ? 0 : float;
}

/** `strval`: a string as it is, anything else as `%v`. */
export function toText(value: Value, budget: Budget): ByteString {
  return formatValue(value, budget);
}

/** `strslice`: a list's elements as texts, less nil; one value alone is a list of one. */
export function toTexts(value: Value, budget: Budget): readonly ByteString[] {
  if (value === undefined || value === null) return [];
  if (!(value instanceof GoList)) return [toText(value, budget)];
  const texts: ByteString[] = [];
  for (const item of value.items) {
    if (item !== undefined && item !== null) texts.push(toText(item, budget));
  }
  return texts;
}

/** sprig's `empty`: like Go's truth, but what is neither number, text nor collection is not empty. */
export function isEmpty(value: Value): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return true;
  if (value instanceof GoInt || value instanceof GoDuration) return value.value === 0n;
  if (value instanceof GoList) return value.items.length === 0;
  return value instanceof GoMap && value.entries.size === 0;
}
