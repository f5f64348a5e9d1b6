import { type ByteString, byteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { encodeRune, runesOf } from '../text/runes.ts';
import { int, type Value } from '../value/value.ts';
import { encodeBase64 } from './base.ts';
import { type Context, define, type GoFunction, text, whole } from './function.ts';
import { hexOf } from './hash.ts';

/** sprig's random functions, from the bytes that the caller gives. */
export const RANDOM: readonly GoFunction[] = [
  define('uuidv4', '', 'a random UUID', (_, context) => {
    const bytes = randomBytes(16, context);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }),
  define('randAlphaNum', 'int', 'so many random letters and digits', chars(`${letters()}0123456789`)),
  define('randAlpha', 'int', 'so many random letters', chars(letters())),
  define('randNumeric', 'int', 'so many random digits', chars('0123456789')),
  define('randAscii', 'int', 'so many random printable characters', chars(printable())),
  define('randBytes', 'int', 'so many random bytes, in base64', (args, context) =>
    encodeBase64(byteString(randomBytes(whole(args, 0), context))),
  ),
  define('randInt', 'int int', 'a random int from the first up to the second', (args, context) => {
    const [low, high] = [whole(args, 0), whole(args, 1)];
    if (high <= low)
      throw new Failure('invalid argument to Intn', { hint: 'the second must be more than the first' });
    return int(low + below(high - low, context));
  }),
  define('shuffle', 'string', 'its characters in random order', (args, context) => {
    const runes = runesOf(text(args, 0));
    for (let index = runes.length - 1; index > 0; index--) {
      const other = below(index + 1, context);
      [runes[index], runes[other]] = [runes[other] ?? 0, runes[index] ?? 0];
    }
    return runes.map(encodeRune).join('');
  }),
];

function letters(): string {
  const upper = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index)).join('');
  return upper + upper.toLowerCase();
}

function printable(): string {
  return Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
}

function randomBytes(count: number, { random, budget }: Context): Uint8Array {
  if (random === undefined) {
    throw new Failure('there is no source of random bytes here', {
      code: 'unavailable',
      hint: 'a configuration that differs each time it is read cannot be checked; .Random is given at boot',
    });
  }
  if (count < 0) throw new Failure('the count is negative');
  budget.spend(count);
  return random(count).slice(0, count);
}

/** Without bias: what is beyond the last whole multiple is drawn again. */
function below(bound: number, context: Context): number {
  const span = 2 ** 48;
  const limit = span - (span % bound);
  for (let draw = 0; draw < 100; draw++) {
    const value = randomBytes(6, context).reduce((sum, byte) => sum * 256 + byte, 0);
    if (value < limit) return value % bound;
  }
  throw new Failure('the source of random bytes gives always the same');
}

function chars(alphabet: string): (args: readonly Value[], context: Context) => ByteString {
  return (args, context) => {
    const count = whole(args, 0);
    if (count < 0) throw new Failure('the count is negative');
    context.budget.spend(count * 8);
    return Array.from({ length: count }, () => alphabet.charAt(below(alphabet.length, context))).join('');
  };
}
