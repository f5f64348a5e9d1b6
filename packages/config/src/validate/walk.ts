import type { ListShape, MapShape, ObjectShape, Shape } from '../shape.ts';
import { childPath, type Entry, isNull, type MapTree, plainOf, type Tree } from '../tree.ts';
import { type Context, type Fault, isTemplate, shown, tell } from './context.ts';
import { FORMATS } from './formats.ts';
import { keyFault, unusualKeyFault } from './keys.ts';
import { RULES } from './rules.ts';
import { readScalar } from './scalars.ts';

/**
 * Reads a tree as its shape says, telling whatever is not so.
 *
 * @returns the value as the schema's type has it, without what could not be taken; undefined where nothing could
 */
export function readShape(tree: Tree, shape: Shape, path: string, context: Context): unknown {
  if (isNull(tree)) return readNull(tree, shape, path, context);
  switch (shape.kind) {
    case 'any':
      return plainOf(tree);
    case 'object':
      return tree.kind === 'map'
        ? readObject(tree, shape, path, context)
        : mismatch(tree, shape, path, context);
    case 'map':
      return tree.kind === 'map' ? readMap(tree, shape, path, context) : mismatch(tree, shape, path, context);
    case 'list':
      return tree.kind === 'list'
        ? readList(tree.items, shape, path, context)
        : asList(tree, shape, path, context);
    default:
      return tree.kind === 'scalar'
        ? readScalar(tree, shape, path, context)
        : mismatch(tree, shape, path, context);
  }
}

/** A key that is something else to JavaScript: no name is worth the danger. */
const PROTOTYPE = '__proto__';

/** Kairos reads null as what is empty of its kind, and takes back by it what earlier files say. */
function readNull(tree: Tree, shape: Shape, path: string, context: Context): unknown {
  if (shape.kind === 'any') return null;
  const empty: Readonly<Record<string, string>> = { list: '[]', map: '{}', object: '{}' };
  const written = tree.kind === 'scalar' && tree.text !== '';
  if (!written) {
    const leave = path.endsWith(']') ? 'Take the - away.' : 'Leave the key out';
    const instead =
      empty[shape.kind] === undefined ? '.' : `, or write ${empty[shape.kind]} to say that it is empty.`;
    tell(context, tree.at, path, {
      code: 'empty',
      severity: 'warning',
      message: path.endsWith(']')
        ? 'this item is empty'
        : 'there is no value: it counts as empty, and takes back what earlier files say',
      hint: path.endsWith(']') ? leave : `${leave}${instead}`,
    });
  }
  if (shape.kind === 'list') return [];
  return shape.kind === 'map' || shape.kind === 'object' ? {} : undefined;
}

function readObject(tree: MapTree, shape: ObjectShape, path: string, context: Context): unknown {
  const { dotted = false, open = false, closed = false, same = {}, needs = [], rule } = shape.facts;
  const found: Record<string, unknown> = {};
  let usable = true;
  const whole = dotted ? undot(tree, shape) : tree;
  for (const [written, { at, value }] of whole.entries) {
    const key = Object.hasOwn(same, written) ? (same[written] ?? written) : written;
    const inner = childPath(path, written);
    const field = shape.fields.get(key);
    if (field === undefined) {
      if (open && key !== PROTOTYPE) found[key] = plainOf(value);
      else {
        const fault = keyFault(written, shape, path);
        if (fault !== undefined) tell(context, at, inner, fault);
        if (closed) usable = false;
      }
      continue;
    }
    const read = readShape(value, field, inner, context);
    if (read !== undefined) found[key] = read;
    else if (needs.includes(key) && !isNull(value)) usable = false;
    const { noEffect } = field.facts;
    if (noEffect !== undefined && !isNull(value) && !(read === false)) {
      const message = `this has no effect: ${noEffect}`;
      tell(context, at, inner, { code: 'no-effect', severity: 'warning', message });
    }
  }
  if (rule !== undefined) RULES[rule](whole, path, context);
  return usable ? found : undefined;
}

/** `partitions.oem.size: 60` as if it were written in full. */
function undot(tree: MapTree, shape: ObjectShape): MapTree {
  if (![...tree.entries.keys()].some((key) => key.includes('.'))) return tree;
  let entries = new Map(tree.entries);
  for (const [key, entry] of tree.entries) {
    const [first = '', ...rest] = key.split('.');
    if (rest.length === 0 || !shape.fields.has(first)) continue;
    entries.delete(key);
    entries = withPath(entries, [first, ...rest], entry);
  }
  return { ...tree, entries };
}

function withPath(
  entries: ReadonlyMap<string, Entry>,
  path: readonly string[],
  entry: Entry,
): Map<string, Entry> {
  const [first = '', ...rest] = path;
  const copy = new Map(entries);
  if (rest.length === 0) return copy.set(first, entry);
  const former = entries.get(first);
  const below = former?.value.kind === 'map' ? former.value.entries : new Map<string, Entry>();
  const value: MapTree = {
    kind: 'map',
    entries: withPath(below, rest, entry),
    at: former?.value.at ?? entry.at,
  };
  return copy.set(first, { at: former?.at ?? entry.at, value });
}

function readMap(tree: MapTree, shape: MapShape, path: string, context: Context): Record<string, unknown> {
  const found: [string, unknown][] = [];
  for (const [key, { at, value }] of tree.entries) {
    const inner = childPath(path, key);
    const fault = mapKeyFault(key, shape);
    if (fault !== undefined) tell(context, at, inner, fault);
    if (key === PROTOTYPE) continue;
    const read = readShape(value, shape.value, inner, context);
    // An empty text is a value here: K3S_RESOLV_CONF: with nothing behind it.
    if (read !== undefined) found.push([key, read]);
    else if (isNull(value)) found.push([key, '']);
  }
  if (shape.facts.rule !== undefined) RULES[shape.facts.rule](tree, path, context);
  return Object.fromEntries(found);
}

function mapKeyFault(key: string, { facts: { keys, usualKeys } }: MapShape): Fault | undefined {
  if (key === PROTOTYPE) return { code: 'bad-value', message: `${shown(key)} cannot be a name here` };
  if (isTemplate(key)) return undefined;
  if (usualKeys !== undefined && !usualKeys.includes(key)) return unusualKeyFault(key, usualKeys);
  if (keys === undefined || keys === 'stage') return undefined;
  if (keys !== 'variable') return FORMATS[keys](key);
  if (/^[\w.*/@:-]+$/.test(key)) return undefined;
  return {
    code: 'bad-value',
    message: `${shown(key)} is not the name of a setting`,
    hint: 'Write NAME: VALUE.',
  };
}

function readList(items: readonly Tree[], shape: ListShape, path: string, context: Context): unknown[] {
  const found: unknown[] = [];
  const { mostItems = Infinity } = shape.facts;
  const [first] = items;
  if (items.length > mostItems && first !== undefined) {
    const message = `there are ${items.length} items, and at most ${mostItems} are taken`;
    tell(context, first.at, path, { code: 'bad-value', message, bearable: false });
  }
  for (const [index, item] of items.entries()) {
    const read = readShape(item, shape.item, childPath(path, index), context);
    if (read !== undefined) found.push(read);
  }
  return found;
}

/** One value where a list is asked for: what is meant is plain, and Kairos would leave the whole file out. */
function asList(tree: Tree, shape: ListShape, path: string, context: Context): unknown {
  if (tree.kind === 'scalar' && shape.item.kind === 'scalar') {
    const { commas = false } = shape.facts;
    const texts = commas ? tree.text.split(',').map((text) => text.trim()) : [tree.text];
    if (tree.plain && /^-\S/.test(tree.text)) {
      const hint = 'Write “- ” before each item of a list.';
      tell(context, tree.at, path, { code: 'wrong-type', message: 'there is no space after the -', hint });
      return undefined;
    }
    const odd = texts.some((text) => /[[\]{}#:\n"']/.test(text));
    tell(context, tree.at, path, {
      code: 'wrong-type',
      message: 'this is a text, and has to be a list',
      hint: odd ? 'Write “- ” before each item.' : `Write [${texts.join(', ')}].`,
    });
    return readList(
      texts.map((text) => ({ ...tree, text, value: texts.length === 1 ? tree.value : text })),
      shape,
      path,
      context,
    );
  }
  const named = shape.item.kind === 'object' && shape.item.fields.has('name');
  if (tree.kind === 'scalar' && named) {
    const hint = `Write “- name: ${tree.text}”.`;
    tell(context, tree.at, path, {
      code: 'wrong-type',
      message: 'this is a text, and has to be a list',
      hint,
    });
    const item: MapTree = {
      kind: 'map',
      entries: new Map([['name', { at: tree.at, value: tree }]]),
      at: tree.at,
    };
    return readList([item], shape, path, context);
  }
  if (tree.kind === 'map' && shape.item.kind === 'object') {
    const [first] = tree.entries;
    const own = first !== undefined && shape.item.fields.has(first[0]);
    tell(context, tree.at, path, {
      code: 'wrong-type',
      message: 'this is a map, and has to be a list',
      hint: own
        ? 'Write “- ” before its first key, and indent the others below it.'
        : `Write an item ${named ? '“- name: NAME”' : '“- ”'} for each of its keys.`,
    });
    return own ? readList([tree], shape, path, context) : undefined;
  }
  return mismatch(tree, shape, path, context);
}

const NAMES = { object: 'a map', map: 'a map', list: 'a list', scalar: 'a text', any: '' } as const;
const SCALARS: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  integer: 'a number',
  mode: 'a mode',
  'octal-text': 'a mode',
  duration: 'a time',
};

function mismatch(tree: Tree, shape: Shape, path: string, context: Context): undefined {
  const found = tree.kind === 'map' ? 'a map' : tree.kind === 'list' ? 'a list' : 'a text';
  const wanted =
    shape.kind === 'scalar' ? (SCALARS[shape.facts.scalar ?? ''] ?? NAMES.scalar) : NAMES[shape.kind];
  tell(context, tree.at, path, {
    code: 'wrong-type',
    message: `this is ${found}, and has to be ${wanted}`,
    hint: mismatchHint(tree, shape),
  });
  return undefined;
}

function mismatchHint(tree: Tree, shape: Shape): string | undefined {
  if (shape.kind === 'scalar' && tree.kind === 'map') {
    return 'Put the whole text in quotes: a “: ” in it, or a { at its beginning, makes it a map.';
  }
  if (shape.kind === 'scalar' && tree.kind === 'list') {
    const inQuotes = shape.facts.format === 'condition' || shape.facts.format === 'command';
    return inQuotes
      ? 'Put the whole text in quotes: a [ at its beginning makes it a list.'
      : 'Write one text.';
  }
  if (shape.kind === 'map' && tree.kind === 'list') {
    if (shape.value.kind === 'scalar') return 'Write NAME: VALUE, without “- ” before it.';
    return 'Write each name as a key with its values below it, without “- ” before it.';
  }
  if (shape.kind === 'object' && tree.kind === 'list') return 'Write its keys without “- ” before them.';
  if (shape.kind === 'object' && tree.kind === 'scalar') {
    if (tree.plain && /^[\w-]+:\S/.test(tree.text)) return 'Write a space after the colon.';
    const keys = [...shape.fields.keys()].slice(0, 3);
    return `Write its keys on lines of their own, such as ${keys.join(', ')}.`;
  }
  return undefined;
}
