import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { GoList, GoMap, typeName, type Value } from '../value/value.ts';
import { isEmpty, toText } from './cast.ts';
import { type Context, define, fits, type GoFunction, map, text } from './function.ts';

/** sprig's functions on maps (dict.go). `keys` and `values` are sorted here; in Go their order is random. */
export const DICTS: readonly GoFunction[] = [
  define('dict', '...any', 'a map of keys and values in turn', (args, { budget }) => {
    const dict = new GoMap();
    for (let index = 0; index < args.length; index += 2) {
      dict.entries.set(toText(args[index], budget), index + 1 < args.length ? args[index + 1] : '');
    }
    return dict;
  }),
  define('get', 'map string', 'the entry, or "" if there is none', (args) => {
    const value = map(args, 0).entries.get(text(args, 1));
    return value === undefined ? '' : value;
  }),
  define('set', 'map string any', 'changes the map, and gives it', (args) => {
    const dict = map(args, 0);
    if (args[0] === null)
      throw new Failure('assignment to entry in nil map', { hint: '(dict) makes an empty map' });
    dict.entries.set(text(args, 1), args[2] ?? null);
    return dict;
  }),
  define('unset', 'map string', 'removes an entry, and gives the map', (args) => {
    const dict = map(args, 0);
    dict.entries.delete(text(args, 1));
    return dict;
  }),
  define('hasKey', 'map string', 'whether it has the key', (args) => map(args, 0).entries.has(text(args, 1))),
  define('pluck', 'string ...map', 'the entries of all maps under one key', (args) => {
    const key = text(args, 0);
    const holders = args.slice(1).map((_, index) => map(args, index + 1));
    return new GoList(holders.filter((dict) => dict.entries.has(key)).map((dict) => dict.entries.get(key)));
  }),
  define(
    'keys',
    '...map',
    'the keys of all maps, each map sorted',
    (args) =>
      new GoList(
        args.flatMap((_, index) =>
          map(args, index)
            .sorted()
            .map(([key]) => key),
        ),
        'string',
      ),
  ),
  define(
    'values',
    'map',
    'the values, in the order of the keys',
    (args) =>
      new GoList(
        map(args, 0)
          .sorted()
          .map(([, value]) => value),
      ),
  ),
  define('pick', 'map ...string', 'only these keys', (args) => {
    const keys = new Set(args.slice(1));
    return new GoMap(new Map([...map(args, 0).entries].filter(([key]) => keys.has(key))));
  }),
  define('omit', 'map ...string', 'all but these keys', (args) => {
    const keys = new Set(args.slice(1));
    return new GoMap(new Map([...map(args, 0).entries].filter(([key]) => !keys.has(key))));
  }),
  ...['merge', 'mustMerge'].map((name) =>
    define(
      name,
      'map ...map',
      'fills the first map with what the others have and it has not',
      (args, context) => mergeAll(args, false, context),
    ),
  ),
  ...['mergeOverwrite', 'mustMergeOverwrite'].map((name) =>
    define(name, 'map ...map', 'the same, but what the others have wins', (args, context) =>
      mergeAll(args, true, context),
    ),
  ),
  ...['deepCopy', 'mustDeepCopy'].map((name) =>
    define(name, 'any', 'a copy that shares nothing', ([value], context) => {
      if (value !== null) return copyOf(value, context, 0);
      throw new Failure('reflect: call of reflect.Value.Type on zero Value', {
        hint: 'there is nothing to copy',
      });
    }),
  ),
  define('dig', '...any', 'an entry of maps in maps, or the default before the last argument', dig),
];

function mergeAll(args: readonly Value[], overwrite: boolean, context: Context): Value {
  const target = map(args, 0);
  for (let index = 1; index < args.length; index++) merge(target, map(args, index), overwrite, context, 0);
  return target;
}

/** mergo: maps are merged key by key; empty values count as missing in the target, and never overwrite. */
function merge(target: GoMap, source: GoMap, overwrite: boolean, context: Context, depth: number): void {
  context.budget.depth(depth);
  for (const [key, value] of source.sorted()) {
    context.budget.spend(1);
    const existing = target.entries.get(key);
    if (value === null || value === undefined) {
      if (overwrite) target.entries.set(key, null);
      continue;
    }
    if (value instanceof GoMap && existing instanceof GoMap && existing.entries.size > 0) {
      if (existing !== value) merge(existing, value, overwrite, context, depth + 1);
      continue;
    }
    const keeps = target.entries.has(key) && !isEmpty(existing);
    if (!keeps || overwrite) target.entries.set(key, value);
  }
}

function copyOf(value: Value, context: Context, depth: number): Value {
  context.budget.depth(depth);
  context.budget.spend(8);
  if (value instanceof GoList) {
    return new GoList(
      value.items.map((item) => copyOf(item, context, depth + 1)),
      value.element,
      value.isNil,
    );
  }
  if (!(value instanceof GoMap)) return value;
  const entries = new Map<ByteString, Value>();
  for (const [key, item] of value.entries) entries.set(key, copyOf(item, context, depth + 1));
  return new GoMap(entries, value.element);
}

function dig(args: readonly Value[]): Value {
  if (args.length < 3) {
    throw new Failure('dig needs at least three arguments', {
      hint: 'it is used as (dig "key" ... default map)',
    });
  }
  const fallback = args.at(-2);
  let holder: Value = args.at(-1);
  for (const [index, key] of args.slice(0, -2).entries()) {
    if (typeof key !== 'string') {
      throw new Failure(`interface conversion: interface {} is ${typeName(key)}, not string`, {
        hint: `argument ${index + 1} of dig is a key`,
      });
    }
    if (!(holder instanceof GoMap) || !fits(holder, 'map')) {
      const type = holder === null || holder === undefined ? 'nil' : typeName(holder);
      throw new Failure(`interface conversion: interface {} is ${type}, not map[string]interface {}`, {
        hint: `there is no map to look for ${key} in`,
      });
    }
    if (!holder.entries.has(key)) return fallback ?? null;
    holder = holder.entries.get(key);
  }
  return holder ?? null;
}
