import { Failure } from '../error.ts';
import { formatFloat } from '../format/float.ts';
import { parseInteger } from '../text/number.ts';
import { GoInt, int, int64, type Value } from '../value/value.ts';
import { toFloat64, toInt64, toText } from './cast.ts';
import { define, type GoFunction, text, whole } from './function.ts';

/** sprig's arithmetic (numeric.go): int64 wraps around; what is no number counts as 0. */
export const MATH: readonly GoFunction[] = [
  define('add', '...any', 'the sum', (args) =>
    int64(args.reduce<bigint>((sum, value) => sum + toInt64(value), 0n)),
  ),
  define('add1', 'any', 'one more', ([value]) => int64(toInt64(value) + 1n)),
  define('sub', 'any any', 'the difference', ([a, b]) => int64(toInt64(a) - toInt64(b))),
  define('mul', 'any ...any', 'the product', (args) => {
    let product = 1n;
    for (const value of args) product = BigInt.asIntN(64, product * toInt64(value));
    return int64(product);
  }),
  define('div', 'any any', 'the quotient, without its rest', ([a, b]) => int64(toInt64(a) / divisor(b))),
  define('mod', 'any any', 'the rest of a division', ([a, b]) => int64(toInt64(a) % divisor(b))),
  define('max', 'any ...any', 'the greatest int', (args) => int64(extreme(args, (a, b) => a > b))),
  define('biggest', 'any ...any', 'the old name of max', (args) => int64(extreme(args, (a, b) => a > b))),
  define('min', 'any ...any', 'the least int', (args) => int64(extreme(args, (a, b) => a < b))),
  define('maxf', 'any ...any', 'the greatest float', (args) => Math.max(...args.map(toFloat64))),
  define('minf', 'any ...any', 'the least float', (args) => Math.min(...args.map(toFloat64))),
  define('add1f', 'any', 'one more, as float', ([value]) => decimals([value, 1], addDecimals)),
  define('addf', '...any', 'the sum, as float', (args) => decimals([0, ...args], addDecimals)),
  define('subf', 'any ...any', 'the difference, as float', (args) => decimals(args, subDecimals)),
  define('mulf', 'any ...any', 'the product, as float', (args) => decimals(args, mulDecimals)),
  define('divf', 'any ...any', 'the quotient, as float', (args) => decimals(args, divDecimals)),
  define('floor', 'any', 'the next whole number below', ([value]) => Math.floor(toFloat64(value))),
  define('ceil', 'any', 'the next whole number above', ([value]) => Math.ceil(toFloat64(value))),
  define('round', 'any int ...float64', 'rounded to so many places; up from .5 or the third argument', round),
  define('int', 'any', 'as int', ([value]) => new GoInt(toInt64(value))),
  define('int64', 'any', 'as int64', ([value]) => int64(toInt64(value))),
  define('float64', 'any', 'as float64', ([value]) => toFloat64(value)),
  define('atoi', 'string', 'a decimal number as int, 0 if it is none', (args) => {
    const value = parseInteger(text(args, 0), 10) ?? 0n;
    const most = (1n << 63n) - 1n;
    return int(value > most ? most : value < -most ? -most - 1n : value);
  }),
  define('toDecimal', 'any', 'an octal number as int64: a mode as a number', ([value], { budget }) => {
    const octal = parseInteger(toText(value, budget), 8) ?? 0n;
    return int64(octal >= 1n << 63n || octal < -(1n << 63n) ? 0n : octal);
  }),
];

function divisor(value: Value): bigint {
  const amount = toInt64(value);
  if (amount === 0n) {
    throw new Failure('runtime error: integer divide by zero', {
      hint: 'the divisor is 0, or no number: what is no number counts as 0',
    });
  }
  return amount;
}

function extreme(args: readonly Value[], wins: (a: bigint, b: bigint) => boolean): bigint {
  return args.map(toInt64).reduce((best, value) => (wins(value, best) ? value : best));
}

function round(args: readonly Value[]): Value {
  const threshold = typeof args[2] === 'number' ? args[2] : 0.5;
  const power = 10 ** whole(args, 1);
  const digit = power * toFloat64(args[0]);
  return (digit % 1 >= threshold ? Math.ceil(digit) : Math.floor(digit)) / power;
}

/** shopspring/decimal: value × 10^exponent, exact but for division, which has 16 places. */
interface Decimal {
  readonly value: bigint;
  readonly exponent: number;
}

const DIVISION_PLACES = 16;

function decimalOf(value: Value): Decimal {
  const float = toFloat64(value);
  if (!Number.isFinite(float))
    throw new Failure(`Cannot create a Decimal from ${formatFloat(float, 'g', -1)}`);
  const [mantissa = '0', exponent = '0'] = formatFloat(float, 'e', -1).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { value: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function toNumber({ value, exponent }: Decimal): number {
  return Number(`${value}e${exponent}`);
}

function scaled({ value, exponent }: Decimal, to: number): bigint {
  return value * 10n ** BigInt(exponent - to);
}

function addDecimals(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  return { value: scaled(a, exponent) + scaled(b, exponent), exponent };
}

function subDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { value: -b.value, exponent: b.exponent });
}

function mulDecimals(a: Decimal, b: Decimal): Decimal {
  return { value: a.value * b.value, exponent: a.exponent + b.exponent };
}

function divDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.value === 0n) throw new Failure('decimal division by 0', { hint: 'the divisor is 0, or no number' });
  const shift = a.exponent - b.exponent + DIVISION_PLACES;
  const dividend = a.value * (shift > 0 ? 10n ** BigInt(shift) : 1n);
  const by = b.value * (shift < 0 ? 10n ** BigInt(-shift) : 1n);
  const quotient = dividend / by;
  const rest = dividend % by;
  const magnitude = (number: bigint) => (number < 0n ? -number : number);
  const away = magnitude(rest) * 2n >= magnitude(by);
  const sign = dividend < 0n === by < 0n ? 1n : -1n;
  return { value: away ? quotient + sign : quotient, exponent: -DIVISION_PLACES };
}

function decimals(args: readonly Value[], operate: (a: Decimal, b: Decimal) => Decimal): number {
  const [first, ...others] = args;
  let result = decimalOf(first);
  for (const other of others) {
    result = operate(result, decimalOf(other));
    // A product of hundreds of long numbers would grow without bound.
    if (result.value > MOST || result.value < -MOST) {
      throw new Failure('the number has more than 1,000 digits', {
        code: 'limit',
        hint: 'use fewer factors',
      });
    }
  }
  return toNumber(result);
}

const MOST = 10n ** 1000n;
