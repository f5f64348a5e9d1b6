import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Template, TemplateError } from '../src/index.ts';
import { allCases } from './oracle/combine.ts';
import { DATA, LANGUAGE } from './oracle/language.ts';

/**
 * Damaged and spliced templates: each is rendered, or refused by a TemplateError that has its place. No other error,
 * no hang, no output beyond the limit, no memory that stays behind.
 */

const INPUTS = 100_000;
const SEED = Number(process.env['CAIRN_SEED'] ?? 20_260_101);
const LONGEST_MS = 2_000;
const LIMITS = { output: 1 << 20, steps: 20_000, work: 1 << 20 };

type Random = (bound: number) => number;

/** mulberry32 */
function randomFrom(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const PIECES = [
  '{{',
  '}}',
  '{{-',
  '-}}',
  ' - ',
  '(',
  ')',
  '|',
  '"',
  '`',
  "'",
  '$',
  '.',
  ':=',
  '=',
  ',',
  '\\',
  '\n',
  ' ',
  '\0',
  'é',
  '\ud800',
  '0',
  '-1',
  '9999999999',
  '1e400',
  '0x',
  '{{end}}',
  '{{else}}',
  '{{if .x}}',
  '{{range .list}}',
  '{{range $i, $e := .map}}',
  '{{with .map}}',
  '{{define "T"}}',
  '{{template "T" .}}',
  '{{break}}',
  '{{/*',
  '*/}}',
  '$x',
  '.missing',
  '.nothing',
  'nil',
  'true',
  'list',
  'dict',
  'printf "%[3]*.[2]*[1]f"',
  'printf "%999999d"',
  'repeat 99999',
  'until 99999',
  'index',
  'slice',
  'set .map "m" .map',
  'regexReplaceAll "(a|b*)*$"',
  'fromJson',
  'toJson',
  'merge .map',
  '__proto__',
  'constructor',
];

const sources = [...LANGUAGE, ...allCases().map(({ template }) => template)].filter(
  (source) => source !== '',
);

function pick<T>(items: readonly T[], random: Random): T {
  return items[random(items.length)] ?? assert.fail('there is nothing to pick from');
}

function mutate(random: Random): string {
  // A part of the language's own lines, which are few, else of all.
  let text = random(3) === 0 ? pick(LANGUAGE, random) : pick(sources, random);
  for (let round = random(4); round >= 0; round--) text = mutateOnce(text, random);
  return text;
}

function mutateOnce(text: string, random: Random): string {
  const at = random(text.length + 1);
  const other = random(text.length + 1);
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + pick(PIECES, random) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random(4));
    case 2:
      return (
        text.slice(0, at) + String.fromCharCode(random(random(4) === 0 ? 0x10000 : 0x80)) + text.slice(at + 1)
      );
    case 3:
      return text.slice(0, at) + text.slice(other);
    case 4:
      return text.slice(0, at) + pick(sources, random).slice(random(20));
    default:
      return text + pick(sources, random);
  }
}

/** Whether it was rendered. */
function consume(source: string): boolean {
  try {
    const { text, missing } = new Template(source, { limits: LIMITS }).render(DATA);
    assert.ok(Buffer.byteLength(text) <= LIMITS.output * 3);
    for (const { place } of missing) assert.ok(place.line >= 1 && place.column >= 1);
    return true;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { place } = error;
    assert.ok(
      place !== undefined && place.line <= source.split('\n').length && place.column >= 1,
      error.message,
    );
    assert.ok(place.offset <= Buffer.byteLength(source));
    assert.ok(
      error.message.length < 1000 + source.length * 3,
      'a message that is longer than what it is about',
    );
    return false;
  }
}

test(`${INPUTS} damaged templates`, { timeout: 600_000 }, () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const random = randomFrom(SEED);
  let rendered = 0;
  let before = 0;
  let input = 0;
  let longest = 0;
  for (; input < INPUTS; input++) {
    if (input === INPUTS / 10) before = heldMemory(collectGarbage);
    const source = mutate(random);
    const start = performance.now();
    try {
      if (consume(source)) rendered++;
    } catch (cause) {
      throw new Error(`input ${input} with CAIRN_SEED=${SEED}: ${JSON.stringify(source)}`, { cause });
    }
    const took = performance.now() - start;
    assert.ok(
      took < LONGEST_MS,
      `input ${input} with CAIRN_SEED=${SEED} took ${took} ms: ${JSON.stringify(source)}`,
    );
    longest = Math.max(longest, took);
  }
  const grown = heldMemory(collectGarbage) - before;
  assert.equal(input, INPUTS);
  console.log(
    `${rendered} of ${INPUTS} were rendered; the longest took ${longest.toFixed(0)} ms; memory grew by ${grown} bytes`,
  );
  // A run in which nearly all are refused, or none, would prove little.
  assert.ok(rendered > INPUTS / 10 && rendered < INPUTS * 0.9, `${rendered} of ${INPUTS} were rendered`);
  assert.ok(grown < 4 << 20, `${grown} bytes are held that were not before`);
});

function heldMemory(collectGarbage: () => void): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
