import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseElf } from '../src/elf.ts';
import { FrameworkError } from '../src/error.ts';
import { makeElf } from './elf-file.ts';

const COUNT = 100_000;
const SEED = Number(process.env['CAIRN_SEED'] ?? 20_250_809);
/** One input may not take longer; a loop over a claimed size would take hours. */
const LONGEST_MS = 500;

/** Numbers that offsets, sizes and counts go wrong with. */
const EDGES = [
  0n,
  1n,
  15n,
  16n,
  55n,
  56n,
  0xffffn,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

test(`parseElf takes or refuses ${COUNT} damaged files`, (context) => {
  const corpus = [
    makeElf({ interpreter: '/lib64/ld-linux-x86-64.so.2', needed: ['libc.so.6', 'libm.so.6'] }),
    makeElf({ needed: Array.from({ length: 40 }, (_, index) => `lib${index}.so`) }),
    makeElf({}),
  ];
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const random = randomFrom(SEED);
  let [taken, refused, slowest, before] = [0, 0, 0, 0];
  for (let input = 0; input < COUNT; input++) {
    if (input === COUNT / 10) before = held(collectGarbage);
    const bytes = damaged(corpus[random(corpus.length)] ?? new Uint8Array(), random);
    const start = performance.now();
    try {
      const { interpreter, needed } = parseElf(bytes, 'damaged');
      const size = needed.reduce((sum, name) => sum + name.length, interpreter?.length ?? 0);
      assert.ok(size <= (needed.length + 1) * 4096 && needed.length <= bytes.length / 16);
      taken++;
    } catch (error) {
      if (!(error instanceof FrameworkError && error.code === 'bad-elf')) {
        throw new Error(`input ${input} with CAIRN_SEED=${SEED}: ${Buffer.from(bytes).toString('base64')}`, {
          cause: error,
        });
      }
      refused++;
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  const grown = held(collectGarbage) - before;
  context.diagnostic(`${taken} taken, ${refused} refused, the slowest in ${slowest.toFixed(1)} ms`);
  assert.equal(taken + refused, COUNT);
  assert.ok(taken > COUNT / 20 && refused > COUNT / 20);
  assert.ok(slowest < LONGEST_MS, `one input took ${slowest} ms`);
  assert.ok(grown < 8 << 20, `memory grew by ${grown} bytes`);
});

/** A file with one to four changes: bits, bytes, whole numbers at their edges, a cut, or more behind it. */
function damaged(original: Uint8Array, random: (bound: number) => number): Uint8Array {
  let bytes = original.slice();
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(bytes.length);
    const view = new DataView(bytes.buffer);
    switch (random(5)) {
      case 0:
        view.setUint8(at, view.getUint8(at) ^ (1 << random(8)));
        break;
      case 1:
        view.setUint8(at, random(256));
        break;
      case 2:
        if (bytes.length >= 8)
          view.setBigUint64((at & ~7) % (bytes.length - 7), EDGES[random(EDGES.length)] ?? 0n, true);
        break;
      case 3:
        bytes = bytes.slice(0, Math.max(1, random(bytes.length)));
        break;
      default:
        bytes = Uint8Array.from([...bytes, ...Array.from({ length: random(64) }, () => random(256))]);
    }
  }
  return bytes;
}

function held(collectGarbage: () => void): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Mulberry32: the same numbers for the same seed, on every machine. */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
