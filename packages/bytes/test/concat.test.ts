import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteSource, concatSource, memorySource, readAll } from '../src/index.ts';
import { bytesFrom, slowSource } from './sources.ts';

const shapes: readonly { readonly name: string; readonly sources: readonly ByteSource[] }[] = [
  { name: 'memory', sources: [memorySource(bytesFrom(0, 4)), memorySource(bytesFrom(4, 6))] },
  { name: 'promises', sources: [slowSource(bytesFrom(0, 4), 9), slowSource(bytesFrom(4, 6), 9)] },
  { name: 'short answers', sources: [slowSource(bytesFrom(0, 5), 2), slowSource(bytesFrom(5, 5), 1)] },
  {
    name: 'both kinds and empty ones',
    sources: [
      memorySource(bytesFrom(0, 0)),
      memorySource(bytesFrom(0, 1)),
      slowSource(bytesFrom(1, 8), 3),
      memorySource(bytesFrom(0, 0)),
      memorySource(bytesFrom(9, 1)),
    ],
  },
];

for (const { name, sources } of shapes) {
  test(`sources one after another read as one: ${name}`, async () => {
    const whole = concatSource(sources);
    assert.equal(whole.size, 10);
    assert.deepEqual(await readAll(whole, 10), bytesFrom(0, 10));
    for (let start = 0; start <= 10; start++) {
      for (let end = start; end <= 12; end++) {
        const target = new Uint8Array(end - start);
        const count = await whole.read(start, target);
        assert.equal(count, Math.min(end, 10) - start);
        assert.deepEqual(target.subarray(0, count), bytesFrom(start, count));
      }
    }
  });
}

test('no sources are a source of no bytes', () => {
  assert.equal(concatSource([]).size, 0);
  assert.equal(concatSource([]).read(0, new Uint8Array(4)), 0);
});
