import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import { type Attributes, type Directory, type Inode, makeDirectory, makeFile } from '@cairn/tree';
import fc from 'fast-check';
import { openErofs } from '../src/index.ts';
import { bytes, sparseContent } from './erofs-sample.ts';
import { fsck, imageOf, seenInTree } from './erofs-support.ts';
import { scratchFolder } from './scratch.ts';

/** Bytes that are a name: not empty, no slash, no zero, not a dot or two. */
const name = fc
  .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 255, size: 'max' })
  .map((codes) => String.fromCharCode(...codes).replaceAll('/', '_'))
  .filter((text) => text !== '.' && text !== '..');

const shortName = fc.stringMatching(/^[!-.0-z\xff]{1,3}$/).filter((text) => text !== '.' && text !== '..');

/** Sizes near the ends of blocks and of what can be inline, and any others. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 3900, max: 4200 }),
  fc.integer({ min: 8100, max: 8200 }),
  fc.integer({ min: 0, max: 20_000 }),
);

const xattrs = fc.dictionary(
  fc
    .tuple(
      fc.constantFrom('user.', 'trusted.', 'security.'),
      fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }),
    )
    .map(([prefix, rest]) => prefix + rest),
  fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 5000 })),
  { maxKeys: 4 },
);

const attributes: fc.Arbitrary<Attributes> = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 65_530, max: 65_540 }),
    fc.integer({ min: 0, max: 4294967294 }),
  ),
  gid: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 70_000 })),
  mtime: fc.oneof(
    fc.constant({ seconds: 7, nanoseconds: 0 }),
    fc.record({
      seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    }),
  ),
  xattrs: xattrs.map(
    (sizes) => new Map(Object.entries(sizes).map(([name, length]) => [name, bytes(length, length)])),
  ),
});

const ranges = fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 10 }).map((steps) => {
  let position = 0;
  const bounds = steps.map((step) => (position += step));
  return Array.from({ length: bounds.length >> 1 }, (_, i) => ({
    start: bounds[i * 2] ?? 0,
    end: bounds[i * 2 + 1] ?? 0,
  }));
});

type Piece = (attributes: Attributes) => Inode;

const piece: fc.Arbitrary<Piece> = fc.oneof(
  size.map(
    (length): Piece =>
      (given) =>
        makeFile(bytes(length, length), given),
  ),
  fc.constant<Piece>((given) => makeDirectory(given)),
  fc.integer({ min: 1, max: 4095 }).map(
    (length): Piece =>
      (given) => ({ kind: 'symlink', ...given, target: 't'.repeat(length) }),
  ),
  fc
    .tuple(
      fc.constantFrom('character-device' as const, 'block-device' as const),
      fc.nat(4095),
      fc.nat(1_048_575),
    )
    .map(
      ([kind, major, minor]): Piece =>
        (given) => ({ kind, ...given, major, minor }),
    ),
  fc.constantFrom('fifo' as const, 'socket' as const).map(
    (kind): Piece =>
      (given) => ({ kind, ...given }),
  ),
  fc.tuple(ranges, fc.nat(50_000)).map(
    ([data, after]): Piece =>
      (given) =>
        makeFile(sparseContent((data.at(-1)?.end ?? 0) + after, data), given),
  ),
);

interface Step {
  readonly where: number;
  readonly name: string;
  readonly attributes: Attributes;
  /** A new inode, or another name for one that is there. */
  readonly what: Piece | number;
}

const step: fc.Arbitrary<Step> = fc.record({
  where: fc.nat(),
  name: fc.oneof(name, shortName),
  attributes,
  what: fc.oneof({ weight: 6, arbitrary: piece }, { weight: 1, arbitrary: fc.nat() }),
});

/** Puts each step's inode into one of the directories that are there so far. */
function grow(steps: readonly Step[]): Directory {
  const root = makeDirectory({ mtime: { seconds: 7, nanoseconds: 0 } });
  const directories: Directory[] = [root];
  const others: Inode[] = [];
  for (const { where, name, attributes, what } of steps) {
    const inode = typeof what === 'number' ? others[what % others.length] : what(attributes);
    if (inode === undefined) continue;
    directories[where % directories.length]?.entries.set(name, inode);
    if (inode.kind === 'directory') directories.push(inode);
    else others.push(inode);
  }
  return root;
}

test('any tree is read back as it was written, and fsck.erofs finds nothing wrong with it', async (t) => {
  const path = join(scratchFolder(t), 'image');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const root = grow(steps);
      const image = await imageOf(root);
      const opened = await openErofs(memorySource(image));
      assert.deepEqual(await seenInTree(await opened.loadTree()), await seenInTree(root));
      writeFileSync(path, image);
      fsck(path);
    }),
    { numRuns: 150 },
  );
});
