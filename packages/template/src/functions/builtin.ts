import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { sprintf } from '../format/printf.ts';
import { sprint, sprintln } from '../format/value.ts';
import { decodeRune, encodeRune, isPrint } from '../text/runes.ts';
import { GoInt, GoList, GoMap, int, isTrue, typeName, type Value, zeroOf } from '../value/value.ts';
import { equal, less, lessOrEqual } from './compare.ts';
import { type Context, define, type GoFunction, text } from './function.ts';

/** The functions of text/template itself (funcs.go). `and` and `or` are evaluated where the arguments are. */
export const BUILTIN: readonly GoFunction[] = [
  define('and', 'value ...value', 'the first empty argument, or the last', last),
  define('or', 'value ...value', 'the first argument that is not empty, or the last', last),
  define('not', 'value', 'whether the argument is empty', ([value]) => !isTrue(value)),
  define('eq', 'value ...value', 'whether the first equals any of the others', ([first, ...others]) =>
    equal(first, others),
  ),
  define('ne', 'value value', 'not equal', ([a, b]) => !equal(a, [b])),
  define('lt', 'value value', 'less', ([a, b]) => less(a, b)),
  define('le', 'value value', 'less or equal', ([a, b]) => lessOrEqual(a, b)),
  define('gt', 'value value', 'greater', ([a, b]) => !lessOrEqual(a, b)),
  define('ge', 'value value', 'greater or equal', ([a, b]) => !less(a, b)),
  define('len', 'value', 'length in bytes, elements or entries', ([value]) => length(value)),
  define(
    'index',
    'value ...value',
    'an element by index or key, and on into what it holds',
    ([value, ...indexes]) => indexes.reduce<Value>(indexed, nonNil(value, 'index')),
  ),
  define(
    'slice',
    'value ...value',
    'a part of a string or list, by bytes or elements',
    ([value, ...indexes]) => sliced(nonNil(value, 'slice'), indexes),
  ),
  define('print', '...any', 'as fmt.Sprint', (args, { budget }) => sprint(args, budget)),
  define('printf', 'string ...any', 'as fmt.Sprintf', (args, { budget }) =>
    sprintf(text(args, 0), args.slice(1), budget),
  ),
  define('println', '...any', 'as fmt.Sprintln', (args, { budget }) => sprintln(args, budget)),
  define('html', '...any', 'escapes for HTML', (args, context) => escapeHtml(joined(args, context))),
  define('js', '...any', 'escapes for JavaScript', (args, context) => escapeJs(joined(args, context))),
  define('urlquery', '...any', 'escapes for the query of a URL', (args, context) =>
    escapeQuery(joined(args, context)),
  ),
  define('call', 'value ...value', 'calls a function value: there is none, so it always fails', ([value]) => {
    throw new Failure(
      value === null || value === undefined ? 'call of nil' : `non-function of type ${typeName(value)}`,
      { hint: 'functions are called by their names' },
    );
  }),
];

function last(args: readonly Value[]): Value {
  return args.at(-1);
}

function nonNil(value: Value, what: string): Value {
  if (value !== undefined && value !== null) return value;
  throw new Failure(`${what} of untyped nil`, { hint: 'there is no value: is the name right?' });
}

function length(value: Value): Value {
  if (typeof value === 'string') return int(value.length);
  if (value instanceof GoList) return int(value.items.length);
  if (value instanceof GoMap) return int(value.entries.size);
  if (value === undefined || value === null) {
    throw new Failure('len of nil pointer', { hint: 'there is no value: is the name right?' });
  }
  throw new Failure(`len of type ${typeName(value)}`, { hint: 'only strings, lists and maps have a length' });
}

function position(index: Value, capacity: number): number {
  if (index === undefined || index === null) throw new Failure('cannot index slice/array with nil');
  if (!(index instanceof GoInt)) {
    throw new Failure(`cannot index slice/array with type ${typeName(index)}`, {
      hint: 'an index is an int: (int ...) makes one',
    });
  }
  if (index.value < 0n || index.value > BigInt(capacity)) {
    throw new Failure(`index out of range: ${index.value}`, {
      hint: `there are ${capacity}, counted from 0`,
    });
  }
  return Number(index.value);
}

function indexed(value: Value, index: Value): Value {
  if (value === undefined || value === null) {
    throw new Failure('index of nil pointer', { hint: 'a key on the way is missing' });
  }
  if (value instanceof GoMap) return entry(value, index);
  const size =
    typeof value === 'string' ? value.length : value instanceof GoList ? value.items.length : undefined;
  if (size === undefined) throw new Failure(`can't index item of type ${typeName(value)}`);
  const at = position(index, size);
  if (at === size) {
    const type = typeof value === 'string' ? 'string' : 'slice';
    throw new Failure(`reflect: ${type} index out of range`, { hint: `there are ${size}, counted from 0` });
  }
  return typeof value === 'string'
    ? new GoInt(BigInt(value.charCodeAt(at)), 'uint8')
    : value instanceof GoList
      ? value.items[at]
      : undefined;
}

function entry(map: GoMap, key: Value): Value {
  if (key === undefined || key === null) throw new Failure('value is nil; should be of type string');
  if (typeof key !== 'string') {
    throw new Failure(`value has type ${typeName(key)}; should be string`, {
      hint: 'the keys of a map are strings: quote it',
    });
  }
  const value = map.entries.get(key);
  return value === undefined ? zeroOf(map.element) : value;
}

function sliced(value: Value, indexes: readonly Value[]): Value {
  if (indexes.length > 3) throw new Failure(`too many slice indexes: ${indexes.length}`);
  if (typeof value === 'string' && indexes.length === 3) throw new Failure('cannot 3-index slice a string');
  const size =
    typeof value === 'string' ? value.length : value instanceof GoList ? value.items.length : undefined;
  if (size === undefined) throw new Failure(`can't slice item of type ${typeName(value)}`);
  const [start = 0, end = size, limit] = indexes.map((index) => position(index, size));
  if (start > end) throw new Failure(`invalid slice index: ${start} > ${end}`);
  if (limit !== undefined && end > limit) throw new Failure(`invalid slice index: ${end} > ${limit}`);
  if (typeof value === 'string') return value.slice(start, end);
  return value instanceof GoList ? new GoList(value.items.slice(start, end), value.element) : undefined;
}

function joined(args: readonly Value[], { budget }: Context): ByteString {
  const [only] = args;
  if (args.length === 1 && typeof only === 'string') return only;
  // Go shows what is missing here as it does in the output.
  return sprint(
    args.map((value) => value ?? '<no value>'),
    budget,
  );
}

const HTML: Readonly<Record<string, string>> = {
  '\0': '\u00ef\u00bf\u00bd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

function escapeHtml(value: ByteString): ByteString {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is escaped too
  return value.replaceAll(/[\0"'&<>]/g, (char) => HTML[char] ?? char);
}

const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

function escapeJs(value: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (let at = 0; at < value.length; ) {
    const { rune, size } = decodeRune(value, at);
    const char = value.slice(at, at + size);
    at += size;
    const known = Object.hasOwn(JS, char) ? JS[char] : undefined;
    const code = () => `\\u${rune.toString(16).toUpperCase().padStart(4, '0')}`;
    if (known !== undefined) parts.push(known);
    else if (rune < 0x20) parts.push(code());
    else parts.push(rune < 0x80 ? char : isPrint(rune) ? encodeRune(rune) : code());
  }
  return parts.join('');
}

export function escapeQuery(value: ByteString): ByteString {
  return value.replaceAll(/[^A-Za-z0-9_.~-]/g, (char) =>
    char === ' ' ? '+' : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
