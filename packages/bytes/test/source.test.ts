import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  type ByteSource,
  BytesError,
  chunksOf,
  concatBytes,
  concatSource,
  memorySource,
  readAll,
  readExactly,
  readInto,
  sliceSource,
} from '../src/index.ts';
import { bytesFrom, cutSource, slowSource } from './sources.ts';

const TEN = bytesFrom(0, 10);

suite('a source reads by position', () => {
  const sources: readonly { readonly name: string; readonly source: ByteSource }[] = [
    { name: 'memory', source: memorySource(TEN) },
    { name: 'a part of a buffer', source: memorySource(bytesFrom(254, 12).subarray(2)) },
    { name: 'a slice', source: sliceSource(memorySource(bytesFrom(250, 20)), 6, 10) },
    {
      name: 'a slice of a slice',
      source: sliceSource(sliceSource(memorySource(bytesFrom(250, 30)), 2, 25), 4, 10),
    },
    { name: 'a slice of promises', source: sliceSource(slowSource(bytesFrom(253, 16), 20), 3, 10) },
  ];
  for (const { name, source } of sources) {
    test(name, async () => {
      assert.equal(source.size, 10);
      for (let position = 0; position <= 12; position++) {
        for (let length = 0; length <= 12; length++) {
          const target = new Uint8Array(length).fill(0xee);
          const count = await source.read(position, target);
          assert.equal(count, Math.max(0, Math.min(length, 10 - position)));
          assert.deepEqual(target.subarray(0, count), bytesFrom(position, count));
          assert.ok(
            target.subarray(count).every((byte) => byte === 0xee),
            'no byte behind the end is touched',
          );
        }
      }
    });
  }
});

suite('a slice lies inside of its source', () => {
  const outside = [
    { start: -1, size: 2 },
    { start: 0, size: 11 },
    { start: 11, size: 0 },
    { start: 5, size: -1 },
    { start: Number.NaN, size: 1 },
    { start: 1, size: Number.NaN },
    { start: 2 ** 53, size: 2 ** 53 },
  ];
  for (const { start, size } of outside) {
    test(`not ${size} bytes at ${start} of 10`, () => {
      assert.throws(() => sliceSource(memorySource(TEN), start, size), hasCode('out-of-range'));
    });
  }
  test('an empty one at the end may be', () => {
    assert.equal(sliceSource(memorySource(TEN), 10, 0).size, 0);
  });
});

suite('what is read is whole or an error', () => {
  test('short answers are asked again', async () => {
    const target = new Uint8Array(7);
    await readInto(slowSource(TEN, 2), 3, target);
    assert.deepEqual(target, bytesFrom(3, 7));
  });

  test('a source that ends before its size', async () => {
    const source = cutSource(TEN, 20);
    await assert.rejects(readInto(source, 5, new Uint8Array(8)), hasCode('short-read'));
    await assert.rejects(readAll(source, 100), hasCode('short-read'));
    await assert.rejects(Array.fromAsync(chunksOf(source)), hasCode('short-read'));
  });

  const refused = [
    { name: 'more than there is', position: 5, length: 6, code: 'short-read' },
    { name: 'more than memory could hold', position: 0, length: 2 ** 50, code: 'short-read' },
    { name: 'behind the end', position: 11, length: 0, code: 'short-read' },
    { name: 'before the start', position: -1, length: 1, code: 'out-of-range' },
    { name: 'a negative length', position: 5, length: -1, code: 'out-of-range' },
    { name: 'no number', position: Number.NaN, length: 1, code: 'out-of-range' },
  ] as const;
  for (const { name, position, length, code } of refused) {
    test(name, async () => {
      await assert.rejects(readExactly(memorySource(TEN), position, length), hasCode(code));
    });
  }

  test('all of a source only up to the limit', async () => {
    assert.deepEqual(await readAll(memorySource(TEN), 10), TEN);
    await assert.rejects(readAll(memorySource(TEN), 9), hasCode('out-of-range'));
  });
});

suite('a source as chunks', () => {
  test('they are all the bytes, each chunk in a buffer of its own', async () => {
    const bytes = new Uint8Array((1 << 20) * 2 + 7).map((_, index) => index % 251);
    const chunks = await Array.fromAsync(chunksOf(memorySource(bytes)));
    assert.deepEqual(
      chunks.map(({ length }) => length),
      [1 << 20, 1 << 20, 7],
    );
    assert.deepEqual(concatBytes(chunks), bytes);
    assert.equal(new Set(chunks.map(({ buffer }) => buffer)).size, 3);
  });

  test('none of an empty source', async () => {
    assert.deepEqual(await Array.fromAsync(chunksOf(memorySource(new Uint8Array()))), []);
  });

  test('an abort ends them with its reason', async () => {
    const reason = new Error('enough');
    await assert.rejects(Array.fromAsync(chunksOf(memorySource(TEN), AbortSignal.abort(reason))), reason);
  });
});

test('any slices of any row of sources read as the bytes themselves', async () => {
  const part = fc.uint8Array({ maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(part, fc.integer({ min: 0, max: 5 })), { maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      async (parts, from, length) => {
        const bytes = concatBytes(parts.map(([each]) => each));
        const source = concatSource(
          parts.map(([each, most]) => (most === 0 ? memorySource(each) : slowSource(each, most))),
        );
        const start = from % (bytes.length + 1);
        const size = length % (bytes.length - start + 1);
        const slice = sliceSource(source, start, size);
        assert.deepEqual(await readAll(slice, size), bytes.slice(start, start + size));
      },
    ),
  );
});

function hasCode(code: BytesError['code']): (error: unknown) => boolean {
  return (error) => error instanceof BytesError && error.code === code;
}
