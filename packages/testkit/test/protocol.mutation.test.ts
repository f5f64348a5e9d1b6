import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '@cairn/bytes';
import { makeTextFilter } from '../src/console/filter.ts';
import { TestkitError } from '../src/error.ts';
import { decodePiece, decodeWords } from '../src/guest/connection.ts';
import { parseQmpMessage } from '../src/machine/qmp.ts';

const ROUNDS = 100_000;
const SEED = 20_260;
const ID = 'c0ffee';

/** Mulberry32: small, and the same numbers for the same seed. */
function makeRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % limit;
  };
}

const NOISE = ['[    1.0] usb: new\n', '\x1b[0m', '\x1b]0;', '=c0ffee', '\n', '"', '{', '\0', '\xff', ''];

function mutate(text: string, random: (limit: number) => number): string {
  let mutated = text;
  for (let count = random(4); count >= 0; count--) {
    const at = random(mutated.length + 1);
    const removed = random(3) === 0 ? random(8) : 0;
    mutated = mutated.slice(0, at) + NOISE[random(NOISE.length)] + mutated.slice(at + removed);
  }
  return mutated;
}

const bytes = Buffer.from('the output of a script, whose bytes arrive as they were or not at all');
const TARGETS: readonly { name: string; input: string; check: (input: string) => void }[] = [
  {
    name: 'messages of the monitor',
    input: '{"id": 5, "error": {"class": "GenericError", "desc": "x"}, "event": "RESET", "data": {"a": 1}}',
    check(input) {
      try {
        parseQmpMessage(input);
      } catch (error) {
        assert.ok(error instanceof TestkitError && error.code === 'qmp-protocol', String(error));
      }
    },
  },
  {
    name: 'answers of words',
    input: `\n=${ID}! done 0 12 3 !${ID}=\n=${ID}! done 0 12 3 !${ID}=\n`,
    check(input) {
      const decoded = decodeWords(input, ID);
      if (typeof decoded === 'object') assert.ok(decoded.answer.every((word) => /^[a-z0-9]*$/.test(word)));
    },
  },
  {
    name: 'pieces of output',
    input: `\n=${ID}=\n${bytes.toString('base64')}\n\n=${ID}. ${sha256Hex(bytes)}\n`,
    check(input) {
      const decoded = decodePiece(input, ID);
      if (typeof decoded === 'object') assert.deepEqual(decoded.answer, bytes);
    },
  },
  {
    name: 'terminal output',
    input: '\x1b[0;32m  OK  \x1b[0m] Started \x1b]0;title\x07\x1b(Broot\r\n# ',
    check(input) {
      const filter = makeTextFilter();
      const half = input.length >> 1;
      const text = filter(Buffer.from(input.slice(0, half))) + filter(Buffer.from(input.slice(half)));
      assert.ok(text.length <= input.length);
      assert.ok(
        Array.from(text).every((character) => character >= ' ' || character === '\n' || character === '\t'),
      );
    },
  },
];

for (const { name, input, check } of TARGETS) {
  test(`${ROUNDS} mutated inputs: ${name} (seed ${SEED})`, () => {
    const random = makeRandom(SEED);
    const before = process.memoryUsage.rss();
    let rounds = 0;
    for (; rounds < ROUNDS; rounds++) check(mutate(input, random));
    assert.equal(rounds, ROUNDS);
    assert.ok(process.memoryUsage.rss() - before < 128 << 20);
  });
}
