import type { ByteString } from '@cairn/bytes';

const DIGITS: Readonly<Record<number, string>> = { 2: '[01]', 8: '[0-7]', 10: '[0-9]', 16: '[0-9a-fA-F]' };

/**
 * `strconv.ParseInt` without its range check; undefined where Go says "invalid syntax". Base 0 is that of Go's
 * literals: prefixes, a leading 0 for octal, underscores.
 */
export function parseInteger(text: ByteString, base: 0 | 8 | 10): bigint | undefined {
  const sign = text.startsWith('-') ? -1n : 1n;
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  const value = base === 0 ? parseLiteral(digits) : parseDigits(digits, base);
  return value === undefined ? undefined : sign * value;
}

function parseDigits(digits: string, base: number): bigint | undefined {
  if (digits.length > 400 || !new RegExp(`^${DIGITS[base] ?? '[0-9]'}+$`).test(digits)) return undefined;
  return base === 8 ? BigInt(`0o${digits}`) : BigInt(digits);
}

function parseLiteral(digits: string): bigint | undefined {
  if (digits.length > 400) return undefined;
  const plain = digits.replaceAll('_', '').toLowerCase();
  if (/^0x(_?[0-9a-f])+$/i.test(digits)) return BigInt(plain);
  if (/^0o(_?[0-7])+$/i.test(digits)) return BigInt(plain);
  if (/^0b(_?[01])+$/i.test(digits)) return BigInt(plain);
  if (/^0(_?[0-7])*$/.test(digits)) return BigInt(plain.length === 1 ? plain : `0o${plain.slice(1)}`);
  return /^[1-9](_?[0-9])*$/.test(digits) ? BigInt(plain) : undefined;
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/;

/** `strconv.ParseFloat`: undefined where it is none; an infinity where Go says that it is out of range. */
export function parseFloat64(text: ByteString): number | undefined {
  if (text.length > 400) return undefined;
  const word = text.toLowerCase().replace(/^[+-]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  if (word === 'inf' || word === 'infinity') return sign * Number.POSITIVE_INFINITY;
  if (word === 'nan') return Number.NaN;
  if (DECIMAL.test(text)) return Number(text);
  const hex = HEXADECIMAL.exec(text);
  if (hex !== null) {
    const digits = `${hex[2] ?? ''}${hex[3] ?? ''}`;
    if (digits === '') return undefined;
    const exponent = Number(hex[4]) - 4 * (hex[3] ?? '').length;
    return sign * Number(BigInt(`0x${digits}`)) * 2 ** exponent;
  }
  const grouped = text.replaceAll(/(?<=[0-9])_(?=[0-9])/g, '');
  return grouped === text || grouped.includes('_') ? undefined : parseFloat64(grouped);
}
