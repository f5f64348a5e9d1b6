import { Failure } from '../error.ts';
import { GoList, int, kindName, type Value } from '../value/value.ts';
import { isEmpty, toInt64, toText, toTexts } from './cast.ts';
import { deepEqual } from './compare.ts';
import { type Context, define, type GoFunction, listOf, whole } from './function.ts';

/** sprig's functions on lists (list.go). What has a `must` form is the same here: both fail with their reason. */
export const LISTS: readonly GoFunction[] = [
  define('list', '...any', 'a list of its arguments', (args) => new GoList(args)),
  define('tuple', '...any', 'the old name of list', (args) => new GoList(args)),
  ...both(
    'append',
    'any any',
    'the list with one more at its end',
    ([list, value]) => new GoList([...listOf(list, 'push on type').items, value]),
  ),
  ...both(
    'push',
    'any any',
    'the same as append',
    ([list, value]) => new GoList([...listOf(list, 'push on type').items, value]),
  ),
  ...both(
    'prepend',
    'any any',
    'the list with one more at its beginning',
    ([list, value]) => new GoList([value, ...listOf(list, 'prepend on type').items]),
  ),
  ...both(
    'first',
    'any',
    'the first element',
    ([list]) => listOf(list, 'find first on type').items[0] ?? null,
  ),
  ...both(
    'last',
    'any',
    'the last element',
    ([list]) => listOf(list, 'find last on type').items.at(-1) ?? null,
  ),
  ...both('rest', 'any', 'all but the first', ([list]) => {
    const { items } = listOf(list, 'find rest on type');
    return new GoList(items.slice(1), 'interface {}', items.length === 0);
  }),
  ...both('initial', 'any', 'all but the last', ([list]) => {
    const { items } = listOf(list, 'find initial on type');
    return new GoList(items.slice(0, -1), 'interface {}', items.length === 0);
  }),
  ...both(
    'reverse',
    'any',
    'in the opposite order',
    ([list]) => new GoList(listOf(list, 'find reverse on type').items.toReversed()),
  ),
  ...both(
    'compact',
    'any',
    'without empty elements',
    ([list]) => new GoList(listOf(list, 'compact on type').items.filter((item) => !isEmpty(item))),
  ),
  ...both(
    'uniq',
    'any',
    'without repetitions',
    ([list], context) => new GoList(unique(listOf(list, 'find uniq on type').items, context)),
  ),
  ...both(
    'without',
    'any ...any',
    'without these elements',
    ([list, ...omitted], context) =>
      new GoList(listOf(list, 'find without on type').items.filter((item) => !isIn(omitted, item, context))),
  ),
  ...both('has', 'any any', 'whether the list, the second, has the first', ([needle, list], context) =>
    list === null || list === undefined
      ? false
      : isIn(listOf(list, 'find has on type').items, needle, context),
  ),
  ...both('slice', 'any ...any', 'the elements from index to index', slice),
  define('concat', '...any', 'lists joined to one', (args) => {
    const items = args.flatMap((list) => concatenated(list).items);
    return new GoList(items, 'interface {}', items.length === 0);
  }),
  ...both('chunk', 'int any', 'a list of lists of so many elements', chunk),
  define('sortAlpha', 'any', 'as texts, sorted by bytes', ([list], { budget }) => {
    if (!(list instanceof GoList)) return new GoList([toText(list, budget)], 'string');
    const texts = [...toTexts(list, budget)];
    budget.spend(texts.reduce((sum, text) => sum + 20 + text.length, 0));
    return new GoList(
      texts.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
      'string',
    );
  }),
  define('until', 'int', 'the ints from 0 up to it', (args, context) => {
    const end = whole(args, 0);
    return steps(0, end, end < 0 ? -1 : 1, context);
  }),
  define('untilStep', 'int int int', 'the ints from, up to, by', (args, context) =>
    steps(whole(args, 0), whole(args, 1), whole(args, 2), context),
  ),
  define('seq', '...int', 'the numbers as a text, as the program seq', sequence),
];

function both(
  name: string,
  signature: string,
  about: string,
  call: GoFunction['call'],
): readonly GoFunction[] {
  const must = `must${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return [define(name, signature, about, call), define(must, signature, `the same as ${name}`, call)];
}

function isIn(items: readonly Value[], needle: Value, { budget }: Context): boolean {
  return items.some((item) => deepEqual(needle, item, budget));
}

function unique(items: readonly Value[], context: Context): readonly Value[] {
  const found: Value[] = [];
  for (const item of items) if (!isIn(found, item, context)) found.push(item);
  return found;
}

function slice([list, start, end]: readonly Value[]): Value {
  if (!(list instanceof GoList)) {
    if (list === null || list === undefined) return listOf(list, '');
    throw new Failure(`list should be type of slice or array but ${kindName(list)}`, {
      hint: 'a part of a text is (substr from to text)',
    });
  }
  const size = list.items.length;
  if (size === 0) return null;
  const from = start === undefined ? 0 : Number(toInt64(start));
  const to = end === undefined ? size : Number(toInt64(end));
  if (from < 0 || to < from || to > size) {
    throw new Failure('reflect.Value.Slice: slice index out of bounds', {
      hint: `the list has ${size} elements`,
    });
  }
  return new GoList(list.items.slice(from, to), list.element);
}

function concatenated(list: Value): GoList {
  if (list instanceof GoList || list === null || list === undefined) return listOf(list, '');
  throw new Failure(`Cannot concat type ${kindName(list)} as list`, {
    hint: '(list ...) makes a list of it',
  });
}

function chunk(args: readonly Value[]): Value {
  const size = whole(args, 0);
  const { items } = listOf(args[1], 'chunk type');
  if (size <= 0)
    throw new Failure(`a list cannot be cut into chunks of ${size}`, { hint: 'give a size of at least 1' });
  const chunks: Value[] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(new GoList(items.slice(at, at + size)));
  return new GoList(chunks, '[]interface {}');
}

function range(start: number, stop: number, step: number, { budget }: Context): readonly number[] {
  if ((stop < start && step >= 0) || (stop >= start && step <= 0)) return [];
  const count = Math.ceil(Math.abs(stop - start) / Math.abs(step));
  budget.spend(count * 8);
  return Array.from({ length: count }, (_, index) => start + index * step);
}

function steps(start: number, stop: number, step: number, context: Context): Value {
  return new GoList(
    range(start, stop, step, context).map((value) => int(value)),
    'int',
  );
}

function sequence(args: readonly Value[], context: Context): Value {
  const numbers = args.map((_, index) => whole(args, index));
  const text = (start: number, stop: number, step: number) => range(start, stop, step, context).join(' ');
  const [first = 0, second = 0, third = 0] = numbers;
  if (numbers.length === 1) {
    const step = first < 1 ? -1 : 1;
    return text(1, first + step, step);
  }
  if (numbers.length === 2) {
    const step = second < first ? -1 : 1;
    return text(first, second + step, step);
  }
  if (numbers.length !== 3 || (third < first && second > 0)) return '';
  return text(first, third + (third < first ? -1 : 1), second);
}
