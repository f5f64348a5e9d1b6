import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endure } from './ordeal.ts';

const COUNT = 100_000;
const SEED = Number(process.env['CAIRN_SEED'] ?? 0x636f6e66);

// Not inside of a test: node:test follows every promise there, which makes this take longer.
const outcome = endure(SEED, COUNT);

test(`${COUNT} damaged configurations are read, or it is told why not`, (context) => {
  const { good, wrong, refused, slowest, growth } = outcome;
  context.diagnostic(
    `${good} good, ${wrong} wrong, ${refused} refused; slowest ${slowest.toFixed(0)} ms, grown by ${growth >> 20} MiB`,
  );
  assert.equal(good + wrong + refused, COUNT);
  assert.ok(good > COUNT / 50 && wrong > COUNT / 10 && refused > COUNT / 10);
});
