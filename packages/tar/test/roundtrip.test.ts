import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, type Content, memorySource } from '@cairn/bytes';
import * as fc from 'fast-check';
import type { NewTarEntry, TarEntry, TarEntryKind } from '../src/index.ts';
import { archiveOf, describe, entriesOf } from './support.ts';

/** Names of any bytes but NUL, of lengths around the limits of the fields of a header too. */
function name(maxLength: number): fc.Arbitrary<string> {
  const character = fc.oneof(
    fc.constantFrom('/', 'a', '.', '=', '%', '\n'),
    fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
  );
  return fc.string({ unit: character, minLength: 1, maxLength, size: 'max' });
}

const KINDS: readonly TarEntryKind[] = [
  'file',
  'hardlink',
  'symlink',
  'directory',
  'character-device',
  'block-device',
  'fifo',
];

function numbers(max: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.nat({ max }),
    fc.constantFrom(0, 0o7777777, 0o10000000, 0xffffffff, max).filter((n) => n <= max),
  );
}

const content: fc.Arbitrary<Content> = fc
  .tuple(fc.uint8Array({ maxLength: 3000 }), fc.option(fc.array(fc.nat({ max: 3000 }), { maxLength: 12 })))
  .map(([bytes, cuts]) => (cuts === null ? memorySource(bytes) : holed(bytes, cuts)));

/** The bytes with holes between every second two of the cuts. */
function holed(bytes: Uint8Array, cuts: readonly number[]): Content {
  const edges = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
  const data = Array.from({ length: edges.length >> 1 }, (_, index) => ({
    start: edges[2 * index] ?? 0,
    end: edges[2 * index + 1] ?? 0,
  }));
  const kept = new Uint8Array(bytes.length);
  for (const { start, end } of data) kept.set(bytes.subarray(start, end), start);
  return { ...memorySource(kept), data };
}

const entry: fc.Arbitrary<NewTarEntry> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    path: name(300),
    linkTarget: name(300),
    mode: fc.nat({ max: 0o7777 }),
    uid: numbers(0xffffffff),
    gid: numbers(0xffffffff),
    mtime: fc.record(
      {
        seconds: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, 0o77777777777, 0o100000000000)),
        nanoseconds: fc.oneof(fc.nat({ max: 999_999_999 }), fc.constantFrom(0, 1, 500_000_000)),
      },
      { noNullPrototype: true },
    ),
    xattrs: fc
      .array(fc.tuple(name(40), fc.uint8Array({ maxLength: 300 })), { maxLength: 4 })
      .map((xattrs) => new Map(xattrs)),
    major: numbers(0xffffffff),
    minor: numbers(0xffffffff),
    content,
  })
  .map(onlyWhatItsKindHas);

function onlyWhatItsKindHas({
  linkTarget,
  major,
  minor,
  content,
  ...common
}: Omit<TarEntry, 'offset'>): NewTarEntry {
  const { kind, path } = common;
  if (kind === 'file') return { ...common, path: path.endsWith('/') ? `${path}f` : path, content };
  if (kind === 'hardlink' || kind === 'symlink') return { ...common, linkTarget };
  if (kind === 'character-device' || kind === 'block-device') return { ...common, major, minor };
  return common;
}

async function compare(entries: readonly NewTarEntry[]): Promise<void> {
  const archive = await archiveOf(...entries);
  const found = await entriesOf(archive);
  assert.deepEqual(await Promise.all(found.map(describe)), await Promise.all(entries.map(describe)));
  assert.deepEqual(await archiveOf(...found), archive);
}

test('what is written is read back, and written again is the same', async () => {
  await fc.assert(fc.asyncProperty(fc.array(entry, { maxLength: 4 }), compare), { numRuns: 400 });
});

test('paths of every length around the limits', async () => {
  for (const separator of ['a', '/', 'ab/', 'abcdefghijklmnopqrstuvwxyz/']) {
    const paths = Array.from({ length: 270 }, (_, index) => separator.repeat(index + 1).slice(0, index + 1));
    await compare(
      paths.map((path) => ({ path, kind: 'directory', mode: 0o755, mtime: { seconds: 0, nanoseconds: 0 } })),
    );
  }
});

test('pax records of every length around the number of digits of their length', async () => {
  const lengths = [0, 60, 70, 80, 960, 970, 980, 9950, 9960, 9970, 9980].flatMap((start) =>
    Array.from({ length: 12 }, (_, index) => start + index),
  );
  const entries = lengths.map((length) => ({
    path: `f${length}`,
    kind: 'file' as const,
    mode: 0o644,
    mtime: { seconds: 0, nanoseconds: 0 },
    xattrs: new Map([['user.x', bytesOf('x'.repeat(length))]]),
  }));
  await compare(entries);
});
