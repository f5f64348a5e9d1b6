import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { plainOf, type Tree, writeYaml } from '../src/index.ts';
import { readYaml } from '../src/yaml/read.ts';

function read(text: string): Tree {
  const told: string[] = [];
  const tree = readYaml({ file: 'f', text }, ({ message }) => told.push(message));
  assert.deepEqual(told, [], text);
  assert.ok(tree !== undefined);
  return tree;
}

/** With how each scalar is written, but for the way of its quotes. */
function written(tree: Tree): unknown {
  if (tree.kind === 'scalar')
    return [tree.value, tree.text === '' && tree.value === null ? 'null' : tree.text];
  if (tree.kind === 'list') return tree.items.map(written);
  return [...tree.entries].map(([key, { value }]) => [key, written(value)]);
}

const FOLDER = join(import.meta.dirname, 'samples');

for (const name of readdirSync(FOLDER)) {
  test(`${name} is the same when it is written and read again`, () => {
    const tree = read(readFileSync(join(FOLDER, name), 'utf8'));
    assert.deepEqual(written(read(writeYaml(tree))), written(tree));
  });
}

test('scalars stay as they are written', () => {
  const text =
    'a: 0644\nb: 1.10\nc: "0644"\nd: yes\ne: "yes"\nf: ~\ng: "null"\nh: 0x1F\ni: 1_000\n"1": "<<"\n';
  assert.equal(writeYaml(read(text)), text);
});

test('whatever texts there are, they are the same when they are written and read again', () => {
  const texts = fc.string({
    unit: fc.constantFrom(...Array.from(' \n\t\'"#:-{}[]&*!|>%@`~?,=<0x7eyno.é😀\\')),
  });
  fc.assert(
    fc.property(fc.dictionary(texts, fc.oneof(texts, fc.array(texts))), (value) => {
      const tree = read(JSON.stringify(value));
      assert.deepEqual(plainOf(read(writeYaml(tree))), plainOf(tree));
    }),
    { numRuns: 5000 },
  );
});
