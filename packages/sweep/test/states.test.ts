import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DiskEvent } from '../src/disk/compile.ts';
import { DiskModel, type DiskWrite } from '../src/disk/model.ts';
import { SectorStore } from '../src/disk/store.ts';
import { formatStateId, parseStateId } from '../src/index.ts';
import { dealStates, splitEpochs } from '../src/states/epoch.ts';
import { cutOf } from '../src/states/sample.ts';
import { noise } from './node.ts';

/** A write to a small disk: 64 cells of contents, of which 16 are tables, and one slot of 64 sectors with 2 releases. */
const writes = fc.record({
  area: fc.constantFrom<'content' | 0>('content', 0),
  cell: fc.nat(55),
  values: fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
  fua: fc.boolean(),
});

type WriteShape = typeof writes extends fc.Arbitrary<infer Shape> ? Shape : never;

function makeWrite(entry: number, { area, cell, values, fua }: WriteShape): DiskWrite {
  const array = area === 'content' ? Uint32Array.from(values) : Uint8Array.from(values);
  return { entry, sectors: values.length, fua, runs: [{ area, cell, offset: 0, values: array }] };
}

function smallModel(): DiskModel {
  const store = new SectorStore();
  store.intern(noise(512, 1));
  store.closeBulk();
  store.intern(noise(1024, 2));
  return new DiskModel({
    store,
    espCell: 16,
    content: new Uint32Array(64),
    slots: [new Uint8Array(64)],
    releases: 2,
  });
}

/** A number of what the model says, counted anew. */
function wrongOf(bits: Uint8Array): number[] {
  return [1, 2].map((bit) => bits.filter((value) => (value & bit) === 0).length);
}

test('a model says what a count of its cells says, whatever is applied and taken back', () => {
  const step = fc.tuple(writes, fc.nat(8), fc.nat(8), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (list) => {
      const model = smallModel();
      const seen = new Map<string, string>();
      for (const [index, [write, from, to, back]] of list.entries()) {
        const before = JSON.stringify([[...model.content], [...(model.slots[0] ?? [])]]);
        if (back) model.mark();
        model.apply(makeWrite(index, write), [Math.min(from, to), Math.max(from, to)]);
        assert.deepEqual([...model.wrong], wrongOf(model.slots[0] ?? new Uint8Array()));
        if (back) {
          model.restore();
          assert.equal(JSON.stringify([[...model.content], [...(model.slots[0] ?? [])]]), before);
        }
        // The same print where the contents are the same, and only there.
        const contents = model.content.join();
        const print = JSON.stringify([model.tables, model.esp]);
        assert.equal(seen.get(print) ?? contents, contents);
        seen.set(print, contents);
      }
      assert.equal(seen.size, new Set(seen.values()).size);
    }),
    { numRuns: 300 },
  );
});

test('every sector has one number, and its bytes come back', () => {
  const store = new SectorStore();
  const bytes = noise(512 * 40_000, 5);
  const ids = store.intern(bytes);
  assert.deepEqual(store.intern(bytes), ids);
  assert.equal(new Set(ids).size, 40_000);
  assert.deepEqual(store.bytes(ids[39_999] ?? 0), bytes.subarray(39_999 * 512));
  assert.deepEqual(store.intern(new Uint8Array(1024)), new Uint32Array(2));
});

test('cuts are what a cut can leave: durable writes are there, and the same number gives the same cut', () => {
  fc.assert(
    fc.property(
      fc.array(writes, { minLength: 2, maxLength: 12 }),
      fc.nat(200),
      fc.nat(9),
      (list, number, seed) => {
        const events = list.map(
          (write, index): DiskEvent => ({ kind: 'write', write: makeWrite(index, write) }),
        );
        const [epoch] = splitEpochs(events);
        assert.ok(epoch !== undefined);
        const cut = cutOf(epoch, number, seed);
        assert.deepEqual(cutOf(epoch, number, seed), cut);
        assert.ok(cut.begun >= 1 && cut.begun <= list.length);
        const left = new Set(cut.picks.map(({ write }) => write.entry));
        assert.equal(left.size, cut.picks.length);
        for (const { write, ranges = [] } of cut.picks) {
          assert.ok(write.entry < cut.begun);
          assert.ok(!write.fua || ranges.length === 0 || write.entry === Math.max(...left));
          assert.ok(ranges.every((at, index) => at >= (ranges[index - 1] ?? 0) && at <= write.sectors));
        }
        for (const [index, { fua }] of list.entries()) {
          if (fua && index < cut.begun - 1) assert.ok(left.has(index), `write ${index} was durable`);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('flushes end epochs, and irrelevant writes are not cut', () => {
  const relevant = makeWrite(0, { area: 0, cell: 0, values: [1, 1], fua: false });
  const events: DiskEvent[] = [
    { kind: 'flush', entry: 0 },
    { kind: 'write', write: relevant },
    { kind: 'write', write: { entry: 1, sectors: 8, fua: false, runs: [] } },
    { kind: 'flush', entry: 2 },
    { kind: 'flush', entry: 3 },
    { kind: 'write', write: { entry: 4, sectors: 8, fua: false, runs: [] } },
  ];
  const epochs = splitEpochs(events);
  assert.deepEqual(
    epochs.map(({ writes, relevant, capacity }) => [writes.length, relevant.length, capacity]),
    [
      [2, 1, 4],
      [1, 0, 1],
    ],
  );
  assert.deepEqual(dealStates(epochs, 1000), [2, 0]);
});

test('states are dealt out in full, where there are as many', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(writes, { maxLength: 6 }), { minLength: 1, maxLength: 9 }),
      fc.nat(5000),
      (groups, count) => {
        let entry = 0;
        const events = groups.flatMap((group): DiskEvent[] => [
          ...group.map((write): DiskEvent => ({ kind: 'write', write: makeWrite(entry++, write) })),
          { kind: 'flush', entry: entry++ },
        ]);
        const epochs = splitEpochs(events);
        const dealt = dealStates(epochs, count);
        const room = epochs.reduce(
          (sum, { capacity, relevant }) => sum + (relevant.length > 0 ? Math.max(0, capacity - 2) : 0),
          0,
        );
        assert.equal(
          dealt.reduce((sum, states) => sum + states, 0),
          Math.min(count, room),
        );
        for (const [index, states] of dealt.entries())
          assert.ok(states <= Math.max(0, (epochs[index]?.capacity ?? 0) - 2));
      },
    ),
  );
});

for (const text of ['prefix-0', 'prefix-120', 'cut-14-7-1']) {
  test(`the name ${text} comes back`, () => assert.equal(formatStateId(parseStateId(text)), text));
}
