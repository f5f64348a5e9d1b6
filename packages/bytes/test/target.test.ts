import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import {
  alignUp,
  type ByteTarget,
  concatBytes,
  copy,
  memorySource,
  memoryTarget,
  offsetTarget,
  SequentialWriter,
  teeTarget,
} from '../src/index.ts';
import { bytesFrom, cutSource, slowSource } from './sources.ts';

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** A target that remembers each write. The chunk is copied: it is the writer's again afterwards. */
function recordingTarget(): ByteTarget & { readonly writes: readonly Write[] } {
  const writes: Write[] = [];
  return {
    writes,
    async write(position, chunk) {
      writes.push({ position, bytes: chunk.slice() });
    },
  };
}

function failingTarget(when: 'at once' | 'later'): ByteTarget {
  return {
    write() {
      if (when === 'at once') throw new Error('at once');
      return nextTurn().then(() => Promise.reject(new Error('later')));
    },
  };
}

suite('memory as a target', () => {
  test('holes are zeros, and it grows as far as it is written to', async () => {
    const target = memoryTarget();
    await target.write(10_000, Uint8Array.of(7));
    await target.write(2, Uint8Array.of(1, 2));
    await target.write(3, Uint8Array.of(9));
    const bytes = target.bytes();
    assert.equal(bytes.length, 10_001);
    assert.deepEqual(bytes.subarray(0, 5), Uint8Array.of(0, 0, 1, 9, 0));
    assert.equal(bytes[10_000], 7);
  });

  test('inside of another target', async () => {
    const disk = memoryTarget();
    const partition = offsetTarget(offsetTarget(disk, 5), 2);
    await partition.write(1, Uint8Array.of(4));
    assert.deepEqual(disk.bytes(), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 4));
  });
});

suite('several targets at once', () => {
  test('all get every chunk; an answer is a promise only where one of them gives one', async () => {
    const [one, two, slow] = [memoryTarget(), memoryTarget(), recordingTarget()];
    assert.equal(teeTarget(one, two).write(0, Uint8Array.of(1)), undefined);
    await teeTarget(one, slow, two).write(1, Uint8Array.of(2));
    assert.deepEqual(one.bytes(), Uint8Array.of(1, 2));
    assert.deepEqual(two.bytes(), Uint8Array.of(1, 2));
    assert.deepEqual(slow.writes, [{ position: 1, bytes: Uint8Array.of(2) }]);
  });

  const failures = [
    { name: 'the first at once', targets: [failingTarget('at once'), memoryTarget()], message: 'at once' },
    {
      name: 'the second, both later',
      targets: [recordingTarget(), failingTarget('later')],
      message: 'later',
    },
    {
      name: 'both, the first later',
      targets: [failingTarget('later'), failingTarget('at once')],
      message: 'later',
    },
    { name: 'both later', targets: [failingTarget('later'), failingTarget('later')], message: 'later' },
  ] as const;
  for (const { name, targets, message } of failures) {
    test(`when they fail, one error is thrown and no promise is left alone: ${name}`, async () => {
      const tee = teeTarget(...targets);
      await assert.rejects(async () => tee.write(0, Uint8Array.of(1)), { message });
      // An unhandled rejection would fail this test here.
      await nextTurn();
      await nextTurn();
    });
  }

  test('none still writes the chunk when a failure is told', async () => {
    let busy = true;
    const slow: ByteTarget = {
      async write() {
        for (let turn = 0; turn < 5; turn++) await nextTurn();
        busy = false;
      },
    };
    await assert.rejects(async () => teeTarget(failingTarget('later'), slow).write(0, Uint8Array.of(1)));
    assert.equal(busy, false);
  });
});

suite('writing one after another', () => {
  test('small pieces are gathered, and what is larger than the buffer is cut', async () => {
    const target = recordingTarget();
    const writer = new SequentialWriter(target, { start: 100, capacity: 4 });
    await writer.write(bytesFrom(0, 3));
    assert.equal(writer.position, 103);
    await writer.write(bytesFrom(3, 7));
    assert.deepEqual(
      target.writes.map(({ position, bytes }) => [position, bytes.length]),
      [
        [100, 4],
        [104, 4],
      ],
    );
    await writer.flush();
    await writer.flush();
    assert.equal(writer.position, 110);
    assert.deepEqual(concatBytes(target.writes.map(({ bytes }) => bytes)), bytesFrom(0, 10));
  });

  test('room is never more than asked for, and what was left in it is overwritten', async () => {
    const target = memoryTarget();
    const writer = new SequentialWriter(target, { capacity: 8 });
    await writer.write(bytesFrom(1, 8));
    const room = await writer.room(5);
    assert.equal(room.length, 5);
    room.set(bytesFrom(20, 2));
    writer.advance(2);
    await writer.skipTo(14);
    await writer.flush();
    assert.deepEqual([...target.bytes()], [1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 0, 0, 0, 0]);
  });

  test('there is no way back', async () => {
    const writer = new SequentialWriter(memoryTarget(), { capacity: 8 });
    await writer.skipTo(5);
    await writer.skipTo(5);
    await assert.rejects(writer.skipTo(4), { code: 'out-of-range' });
  });

  test('after a failed flush nothing is lost: the next one writes the same', async () => {
    let failures = 1;
    const memory = memoryTarget();
    const target: ByteTarget = {
      write(position, chunk) {
        if (failures-- > 0) throw new Error('full');
        return memory.write(position, chunk);
      },
    };
    const writer = new SequentialWriter(target, { capacity: 8 });
    await writer.write(bytesFrom(1, 3));
    await assert.rejects(writer.flush(), { message: 'full' });
    await writer.flush();
    assert.deepEqual(memory.bytes(), bytesFrom(1, 3));
  });

  test('any pieces and any gaps come out as they went in', async () => {
    const step = fc.record({ gap: fc.nat({ max: 40 }), bytes: fc.uint8Array({ maxLength: 40 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step), fc.integer({ min: 1, max: 30 }), async (steps, capacity) => {
        const target = memoryTarget();
        const writer = new SequentialWriter(target, { capacity });
        const expected: Uint8Array[] = [];
        for (const { gap, bytes } of steps) {
          await writer.skipTo(writer.position + gap);
          await writer.write(bytes);
          expected.push(new Uint8Array(gap), bytes);
        }
        await writer.flush();
        assert.deepEqual(target.bytes(), concatBytes(expected));
        assert.equal(writer.position, target.bytes().length);
      }),
    );
  });
});

suite('a copy', () => {
  const large = new Uint8Array((1 << 20) + 77).map((_, index) => index % 253);
  const sources = [
    { name: 'memory of more than a chunk', source: memorySource(large), bytes: large },
    { name: 'short answers', source: slowSource(bytesFrom(0, 10), 3), bytes: bytesFrom(0, 10) },
    { name: 'nothing', source: memorySource(new Uint8Array()), bytes: new Uint8Array() },
  ];
  for (const { name, source, bytes } of sources) {
    test(`is the same: ${name}`, async () => {
      const target = memoryTarget();
      await copy(source, target);
      assert.deepEqual(target.bytes(), bytes);
    });
  }

  test('of a source that ends too early is an error, not a shorter copy', async () => {
    await assert.rejects(copy(cutSource(bytesFrom(0, 10), 11), memoryTarget()), { code: 'short-read' });
  });

  test('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    await assert.rejects(copy(memorySource(large), memoryTarget(), AbortSignal.abort(reason)), reason);
  });
});

test('sizes are rounded up exactly', () => {
  const cases = [
    { value: 0, unit: 4096, aligned: 0 },
    { value: 1, unit: 4096, aligned: 4096 },
    { value: 4096, unit: 4096, aligned: 4096 },
    { value: 2 ** 32 + 1, unit: 512, aligned: 2 ** 32 + 512 },
    { value: 10, unit: 3, aligned: 12 },
  ];
  for (const { value, unit, aligned } of cases) assert.equal(alignUp(value, unit), aligned);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 52 }), fc.integer({ min: 1, max: 2 ** 31 }), (value, unit) => {
      const [whole, step] = [BigInt(value), BigInt(unit)];
      assert.equal(BigInt(alignUp(value, unit)), ((whole + step - 1n) / step) * step);
    }),
  );
});
