import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import type { Budget } from '../limits.ts';
import { quote } from '../text/quote.ts';
import { boundaries, trimSpace } from '../text/runes.ts';
import { GoList, GoMap, type Value } from '../value/value.ts';
import {
  camelCase,
  initials,
  joinWords,
  noSpace,
  swapCase,
  title,
  toLowerCase,
  toUpperCase,
  untitle,
} from './case.ts';
import { toText, toTexts } from './cast.ts';
import { type Context, define, type GoFunction, text, whole } from './function.ts';
import { abbreviate, wrap } from './wrap.ts';

/** sprig's functions on strings (strings.go). Where it counts, it counts bytes. */
export const TEXT: readonly GoFunction[] = [
  define('trim', 'string', 'without the spaces around it', (args) => trimSpace(text(args, 0))),
  define('trimAll', 'string string', 'without any of these characters around it', (args) =>
    trimSet(text(args, 1), text(args, 0)),
  ),
  define('trimall', 'string string', 'the old name of trimAll', (args) =>
    trimSet(text(args, 1), text(args, 0)),
  ),
  define('trimSuffix', 'string string', 'without this end', (args) => {
    const [suffix, value] = [text(args, 0), text(args, 1)];
    return suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value;
  }),
  define('trimPrefix', 'string string', 'without this beginning', (args) => {
    const [prefix, value] = [text(args, 0), text(args, 1)];
    return value.startsWith(prefix) ? value.slice(prefix.length) : value;
  }),
  define('upper', 'string', 'in upper case', (args) => toUpperCase(text(args, 0))),
  define('lower', 'string', 'in lower case', (args) => toLowerCase(text(args, 0))),
  define('title', 'string', 'each word with a capital', (args) => title(text(args, 0))),
  define('untitle', 'string', 'each word without its capital', (args) => untitle(text(args, 0))),
  define('swapcase', 'string', 'upper and lower case exchanged', (args) => swapCase(text(args, 0))),
  define('snakecase', 'string', 'words joined by _', (args) => joinWords(text(args, 0), '_')),
  define('kebabcase', 'string', 'words joined by -', (args) => joinWords(text(args, 0), '-')),
  define('camelcase', 'string', 'words joined, each with a capital', (args) => camelCase(text(args, 0))),
  define('initials', 'string', 'the first letters of the words', (args) => initials(text(args, 0))),
  define('nospace', 'string', 'without white space', (args) => noSpace(text(args, 0))),
  define('repeat', 'int string', 'so many times', repeat),
  define('substr', 'int int string', 'from byte to byte', substring),
  define('trunc', 'int string', 'the first bytes, or the last if negative', truncate),
  define('abbrev', 'int string', 'shortened, with ... at its end', (args) =>
    abbreviate(text(args, 1), 0, whole(args, 0)),
  ),
  define('abbrevboth', 'int int string', 'shortened at both ends', (args) =>
    abbreviate(text(args, 2), whole(args, 0), whole(args, 1)),
  ),
  define('wrap', 'int string', 'in lines of so many bytes', (args, { budget }) =>
    wrap(text(args, 1), whole(args, 0), '', false, budget),
  ),
  define(
    'wrapWith',
    'int string string',
    'the same with another line end, long words broken',
    (args, { budget }) => wrap(text(args, 2), whole(args, 0), text(args, 1), true, budget),
  ),
  define('contains', 'string string', 'whether the second has the first in it', (args, { budget }) => {
    spendSearch(text(args, 1), text(args, 0), budget);
    return text(args, 1).includes(text(args, 0));
  }),
  define('hasPrefix', 'string string', 'whether the second begins with the first', (args) =>
    text(args, 1).startsWith(text(args, 0)),
  ),
  define('hasSuffix', 'string string', 'whether the second ends with the first', (args) =>
    text(args, 1).endsWith(text(args, 0)),
  ),
  define('quote', '...any', 'in double quotes, as Go writes strings', (args, { budget }) =>
    present(args)
      .map((value) => quote(toText(value, budget)))
      .join(' '),
  ),
  define('squote', '...any', 'in single quotes', (args, { budget }) =>
    present(args)
      .map((value) => `'${toText(value, budget)}'`)
      .join(' '),
  ),
  define('cat', '...any', 'joined by spaces', (args, { budget }) =>
    present(args)
      .map((value) => toText(value, budget))
      .join(' '),
  ),
  define('indent', 'int string', 'each line further in', (args, context) => indent(args, context)),
  define(
    'nindent',
    'int string',
    'a line end, and each line further in',
    (args, context) => `\n${indent(args, context)}`,
  ),
  define(
    'replace',
    'string string string',
    'each occurrence of the first by the second',
    (args, { budget }) => {
      const [old, by, value] = [text(args, 0), text(args, 1), text(args, 2)];
      spendSearch(value, old, budget);
      budget.spend((value.length + 1) * (1 + (old.length === 0 ? by.length : by.length / old.length)));
      return old === '' ? betweenRunes(value, by) : value.split(old).join(by);
    },
  ),
  define('plural', 'string string int', 'the first for 1, else the second', (args) =>
    whole(args, 2) === 1 ? text(args, 0) : text(args, 1),
  ),
  define('toString', 'any', 'as a string', ([value], { budget }) => toText(value, budget)),
  define(
    'toStrings',
    'any',
    'a list of strings',
    ([value], { budget }) => new GoList(toTexts(value, budget), 'string'),
  ),
  define('join', 'string any', 'the elements with this between them', join),
  define('split', 'string string', 'a map of the parts: ._0, ._1, ...', (args, { budget }) =>
    parts(splitList(text(args, 1), text(args, 0), -1, budget)),
  ),
  define('splitn', 'string int string', 'the same with at most so many', (args, { budget }) =>
    parts(splitList(text(args, 2), text(args, 0), whole(args, 1), budget)),
  ),
  define(
    'splitList',
    'string string',
    'a list of the parts',
    (args, { budget }) => new GoList(splitList(text(args, 1), text(args, 0), -1, budget), 'string'),
  ),
];

/** At worst every byte of the one is compared with every byte of the other. */
function spendSearch(value: ByteString, part: ByteString, budget: Budget): void {
  budget.spend((value.length * Math.min(part.length, value.length)) / 64);
}

function present(args: readonly Value[]): readonly Value[] {
  return args.filter((value) => value !== null && value !== undefined);
}

/** `strings.Trim`: by characters, not bytes. */
function trimSet(value: ByteString, set: ByteString): ByteString {
  const runes = new Set(splitList(set, ''));
  const chars = splitList(value, '');
  let start = 0;
  let end = chars.length;
  while (start < end && runes.has(chars[start] ?? '')) start++;
  while (end > start && runes.has(chars[end - 1] ?? '')) end--;
  return chars.slice(start, end).join('');
}

function repeat(args: readonly Value[], { budget }: Context): Value {
  const [count, value] = [whole(args, 0), text(args, 1)];
  if (count < 0) throw new Failure('strings: negative Repeat count');
  budget.spend(count * value.length);
  return value.repeat(value === '' ? 0 : count);
}

function bounds(value: ByteString, start: number, end: number): ByteString {
  if (start < 0 || end > value.length || start > end) {
    throw new Failure(`runtime error: slice bounds out of range [${start}:${end}]`, {
      hint: `the text has ${value.length} bytes`,
    });
  }
  return value.slice(start, end);
}

function substring(args: readonly Value[]): Value {
  const [start, end, value] = [whole(args, 0), whole(args, 1), text(args, 2)];
  if (start < 0) return bounds(value, 0, end);
  if (end < 0 || end > value.length) return bounds(value, start, value.length);
  return bounds(value, start, end);
}

function truncate(args: readonly Value[]): Value {
  const [count, value] = [whole(args, 0), text(args, 1)];
  if (count < 0 && value.length + count > 0) return value.slice(value.length + count);
  return count >= 0 && value.length > count ? value.slice(0, count) : value;
}

function indent(args: readonly Value[], { budget }: Context): ByteString {
  const [spaces, value] = [whole(args, 0), text(args, 1)];
  if (spaces < 0) throw new Failure('strings: negative Repeat count');
  const lines = value.split('\n');
  budget.spend(spaces * lines.length + value.length);
  const pad = ' '.repeat(spaces);
  return pad + lines.join(`\n${pad}`);
}

function join(args: readonly Value[], { budget }: Context): Value {
  const separator = text(args, 0);
  const texts = toTexts(args[1], budget);
  budget.spend(texts.reduce((sum, part) => sum + part.length + separator.length, 0));
  return texts.join(separator);
}

function betweenRunes(value: ByteString, by: ByteString): ByteString {
  const runes = splitList(value, '');
  return by + runes.map((rune) => rune + by).join('');
}

/** `strings.SplitN`; an empty separator splits into UTF-8 characters. */
export function splitList(
  value: ByteString,
  separator: ByteString,
  limit = -1,
  budget?: Budget,
): ByteString[] {
  if (limit === 0) return [];
  budget?.spend(value.length);
  if (budget !== undefined) spendSearch(value, separator, budget);
  const all = separator === '' ? explode(value) : value.split(separator);
  if (limit < 0 || all.length <= limit) return all;
  const head = all.slice(0, limit - 1);
  return [...head, all.slice(limit - 1).join(separator)];
}

function explode(value: ByteString): ByteString[] {
  const starts = boundaries(value);
  return starts.slice(0, -1).map((start, index) => value.slice(start, starts[index + 1]));
}

function parts(list: readonly ByteString[]): Value {
  return new GoMap(new Map(list.map((part, index) => [`_${index}`, part] as const)), 'string');
}
