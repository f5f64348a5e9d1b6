import { Failure } from '../error.ts';
import { quoteMeta, Regex } from '../regex/regex.ts';
import { GoList, type Value } from '../value/value.ts';
import { type Context, define, type GoFunction, text, whole } from './function.ts';

/** sprig's regular expressions (regex.go): RE2's, in time that is bounded by pattern and text. */
export const REGEXES: readonly GoFunction[] = [
  define(
    'regexMatch',
    'string string',
    'whether the second has a match of the first; false if the first is wrong',
    (args, context) => {
      try {
        return isMatch(args, context);
      } catch (error) {
        if (error instanceof Failure && error.code !== 'limit') return false;
        throw error;
      }
    },
  ),
  define('mustRegexMatch', 'string string', 'the same, but an error if the first is wrong', isMatch),
  ...both('regexFind', 'string string', 'the first match, or ""', (args, { budget }) => {
    const value = text(args, 1);
    const [start = 0, end = 0] = new Regex(text(args, 0), budget).find(value) ?? [];
    return value.slice(start, end);
  }),
  ...both('regexFindAll', 'string string int', 'all matches, or so many', (args, { budget }) => {
    const value = text(args, 1);
    const matches = new Regex(text(args, 0), budget).findAll(value, whole(args, 2));
    const found = matches.map(([start = 0, end = 0]) => value.slice(start, end));
    return new GoList(found, 'string', found.length === 0);
  }),
  ...both(
    'regexReplaceAll',
    'string string string',
    'each match in the second by the third, with $1',
    (args, { budget }) => {
      const regex = new Regex(text(args, 0), budget);
      const value = text(args, 1);
      return regex.replaceAll(value, (match) => regex.expand(text(args, 2), value, match));
    },
  ),
  ...both(
    'regexReplaceAllLiteral',
    'string string string',
    'each match in the second by the third, as it is',
    (args, { budget }) => new Regex(text(args, 0), budget).replaceAll(text(args, 1), () => text(args, 2)),
  ),
  ...both('regexSplit', 'string string int', 'the parts between matches, so many or all', split),
  define('regexQuoteMeta', 'string', 'a pattern for exactly this text', (args) => quoteMeta(text(args, 0))),
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

function isMatch(args: readonly Value[], { budget }: Context): boolean {
  return new Regex(text(args, 0), budget).find(text(args, 1)) !== undefined;
}

function split(args: readonly Value[], { budget }: Context): Value {
  const [pattern, value, limit] = [text(args, 0), text(args, 1), whole(args, 2)];
  const regex = new Regex(pattern, budget);
  if (limit === 0) return new GoList([], 'string', true);
  if (pattern !== '' && value === '') return new GoList([''], 'string');
  const parts: Value[] = [];
  let start = 0;
  let last = 0;
  for (const [from = 0, to = 0] of regex.findAll(value, limit)) {
    if (limit > 0 && parts.length === limit - 1) break;
    last = from;
    if (to !== 0) parts.push(value.slice(start, from));
    start = to;
  }
  if (last !== value.length) parts.push(value.slice(start));
  return new GoList(parts, 'string');
}
