/** `strconv.FormatFloat` for float64. */

interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  /** Where the point is: 0.DIGITS × 10^point. */
  readonly point: number;
}

/** `precision` -1 is the fewest digits that read back the same. */
export function formatFloat(value: number, verb: 'e' | 'E' | 'f' | 'g' | 'G', precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  switch (verb) {
    case 'e':
    case 'E':
      return exponential(value, precision, verb);
    case 'f':
      return fixed(value, precision);
    default:
      return general(value, precision, verb === 'g' ? 'e' : 'E');
  }
}

function decimalOf(value: number, digits: number): Decimal {
  const negative = value < 0 || Object.is(value, -0);
  const text = digits < 0 ? Math.abs(value).toExponential() : exactExponential(Math.abs(value), digits);
  const [mantissa = '0', exponent = '0'] = text.split('e');
  const plain = mantissa.replace('.', '');
  return { negative, digits: plain, point: value === 0 ? 1 : Number(exponent) + 1 };
}

/** A float64 has no more, before or behind the point; what is asked beyond is zeros. */
const MOST_DIGITS = 1100;

/** Number.toExponential rounds a tie up, and takes no more than 100 digits; Go rounds it to even. */
function exactExponential(value: number, digits: number): string {
  const wanted = Math.min(Math.max(1, digits), MOST_DIGITS);
  const { digits: exact, point } = exactDecimal(value);
  const padded = exact.padEnd(wanted, '0');
  const kept = BigInt(padded.slice(0, wanted));
  const rest = padded.slice(wanted).replace(/0+$/, '');
  const up = rest > '5' || (rest === '5' && kept % 2n === 1n);
  const rounded = (up ? kept + 1n : kept).toString().padStart(wanted, '0');
  // 9.99 becomes 10.0: one digit more before the point.
  const exponent = value === 0 ? 0 : point - 1 + (rounded.length - wanted);
  const mantissa = rounded.slice(0, wanted);
  return `${mantissa.charAt(0)}.${mantissa.slice(1).padEnd(digits - 1, '0')}e${exponent}`;
}

/** All digits of a float64: a fraction of a power of two is a whole number of a power of ten. */
function exactDecimal(value: number): Decimal {
  if (value === 0) return { negative: false, digits: '0', point: 1 };
  let scaled = value;
  let shift = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift++;
  }
  const digits = (BigInt(scaled) * 5n ** BigInt(shift)).toString();
  return { negative: false, digits, point: digits.length - shift };
}

function exponential(value: number, precision: number, letter: string): string {
  const { negative, digits, point } = decimalOf(value, precision < 0 ? -1 : precision + 1);
  return assemble(negative, digits, point, letter);
}

function assemble(negative: boolean, digits: string, point: number, letter: string): string {
  const exponent = point - 1;
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return `${negative ? '-' : ''}${digits.charAt(0)}${fraction}${letter}${power}`;
}

function fixed(value: number, precision: number): string {
  if (precision > MOST_DIGITS) return toFixed(value, MOST_DIGITS) + '0'.repeat(precision - MOST_DIGITS);
  if (precision >= 0) return toFixed(value, precision);
  const { negative, digits, point } = decimalOf(value, -1);
  return `${negative ? '-' : ''}${place(digits, point)}`;
}

function place(digits: string, point: number): string {
  if (point <= 0) return digits === '0' ? '0' : `0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return digits.padEnd(point, '0');
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Number.toFixed gives up at 1e21 and at 100 digits; this rounds half to even on the exact digits, as Go. */
function toFixed(value: number, precision: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const { digits, point } = exactDecimal(Math.abs(value));
  const whole = BigInt(digits);
  const scale = digits.length - point;
  if (scale <= precision) {
    const shifted = (whole * 10n ** BigInt(precision - Math.min(scale, precision))).toString();
    return sign + withPoint(scale < 0 ? shifted.padEnd(shifted.length - scale, '0') : shifted, precision);
  }
  const divisor = 10n ** BigInt(scale - precision);
  const quotient = whole / divisor;
  const rest = (whole % divisor) * 2n;
  const up = rest > divisor || (rest === divisor && quotient % 2n === 1n);
  return sign + withPoint((quotient + (up ? 1n : 0n)).toString(), precision);
}

function withPoint(digits: string, precision: number): string {
  if (precision === 0) return digits;
  const padded = digits.padStart(precision + 1, '0');
  return `${padded.slice(0, -precision)}.${padded.slice(-precision)}`;
}

function general(value: number, precision: number, letter: string): string {
  const shortest = precision < 0;
  const wanted = precision === 0 ? 1 : precision;
  const decimal = decimalOf(value, shortest ? -1 : wanted);
  const digits = shortest ? decimal.digits : decimal.digits.replace(/0+$/, '') || '0';
  let limit = wanted;
  if (limit > digits.length && digits.length >= decimal.point) limit = digits.length;
  if (shortest) limit = 6;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= limit) return assemble(decimal.negative, digits, decimal.point, letter);
  return `${decimal.negative ? '-' : ''}${place(digits, decimal.point)}`;
}

/** The mantissa as a whole number of 53 bits, or fewer for a subnormal, and the exponent of two. */
function parts(value: number): readonly [bigint, number] {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const exponent = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & ((1n << 52n) - 1n);
  return exponent === 0 ? [fraction, -1074] : [fraction | (1n << 52n), exponent - 1075];
}

function signOf(value: number): string {
  return value < 0 || Object.is(value, -0) ? '-' : '';
}

/** `%b`: 4503599627370496p-52. */
export function binaryFloat(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value, 'g', -1);
  const [mantissa, exponent] = parts(value);
  return `${signOf(value)}${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`;
}

/** `%x`: 0x1.8p+01. */
export function hexFloat(value: number, precision: number): string {
  if (!Number.isFinite(value)) return formatFloat(value, 'g', -1);
  let [mantissa, exponent] = parts(value);
  exponent += 52;
  if (mantissa === 0n) exponent = 0;
  else {
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n;
      exponent--;
    }
  }
  if (precision >= 0 && precision < 13) {
    const cut = BigInt(4 * (13 - precision));
    const half = 1n << (cut - 1n);
    const rest = mantissa & ((1n << cut) - 1n);
    mantissa >>= cut;
    if (rest > half || (rest === half && mantissa % 2n === 1n)) mantissa++;
    mantissa <<= cut;
    if (mantissa >= 1n << 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const fraction = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, '0');
  const digits =
    precision < 0 ? fraction.replace(/0+$/, '') : fraction.slice(0, precision).padEnd(precision, '0');
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return `${signOf(value)}0x${mantissa === 0n ? '0' : '1'}${digits === '' ? '' : `.${digits}`}p${power}`;
}
