/**
 * Damaged configurations for the tests of parser and validator: the same seed gives the same inputs, so that a failure is found
 * again by its seed and its number. They are damaged as texts, with what means something to YAML, to Go templates and to the schema.
 */

type Random = () => number;

/** Mulberry32: good enough to pick places and values. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const SIGNS = [
  ':',
  ': ',
  '- ',
  '-',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '  ',
  '#',
  ' #',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  ',',
  '|',
  '>',
  '|-',
  '>+2',

  '&a ',
  '*a',
  '<<: *a\n',
  '!',
  '!!str ',
  '!!binary ',
  '? ',
  '%',
  '@',
  '`',
  '---\n',
  '...\n',
  '\\',
  '\\x',
  '{{',
  '}}',
  '~',
  'null',

  'yes',
  '0644',
  '644',
  '0x',
  '1e999',
  '.inf',
  '-1',
  '99999999999999999999',
  '__proto__: ',
  'constructor: ',
  '\u00a0',
  '\u2028',

  '\u0000',
  '\ufeff',
  '\ud800',
  '\u{1f600}',
  'after:\n',
  'stages:\n  boot:\n',
  'commands:\n',
  'users:\n',
  '[[[[',
  '}}}}',
  '- - - - ',
];

type Mutation = (text: string, at: number, random: Random) => string;

const MUTATIONS: readonly Mutation[] = [
  function insert(text, at, random) {
    return text.slice(0, at) + (SIGNS[random() % SIGNS.length] ?? '') + text.slice(at);
  },
  function replace(text, at, random) {
    return text.slice(0, at) + (SIGNS[random() % SIGNS.length] ?? '') + text.slice(at + 1 + (random() % 4));
  },
  function remove(text, at, random) {
    return text.slice(0, at) + text.slice(at + 1 + (random() % 24));
  },
  function duplicate(text, at, random) {
    const part = text.slice(at, at + 1 + (random() % 200));
    return text.slice(0, at) + part + text.slice(at);
  },
  function swap(text, at) {
    return text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2);
  },
  function indent(text, at, random) {
    const start = text.lastIndexOf('\n', at) + 1;
    const spaces = random() % 6;
    return text.slice(0, start) + ' '.repeat(spaces) + text.slice(start).trimStart();
  },
  function move(text, at, random) {
    const from = random() % (text.length + 1);
    return text.slice(0, at) + text.slice(from, from + (random() % 120)) + text.slice(at);
  },
  function cut(text, at) {
    return text.slice(0, at);
  },
];

/** `count` damaged copies of the texts, in turn. */
export function* mutations(seed: number, corpus: readonly string[], count: number): Generator<string> {
  const random = mulberry32(seed);
  for (let index = 0; index < count; index++) {
    let text = corpus[index % corpus.length] ?? '';
    for (let change = 1 + (random() % 2); change > 0; change--) {
      const mutation = MUTATIONS[random() % MUTATIONS.length];
      if (mutation !== undefined) text = mutation(text, random() % (text.length + 1), random);
    }
    yield text;
  }
}
