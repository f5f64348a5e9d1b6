import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromText, toText } from '@cairn/bytes';
import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import { diffPackages, diffTrees, type Package } from '../src/index.ts';

type Files = Readonly<Record<string, Parameters<typeof place>[2]>>;

function tree(files: Files): Directory {
  const root = makeDirectory();
  for (const [path, inode] of Object.entries(files)) place(root, path, inode);
  return root;
}

const XATTRS = new Map([[fromText('user.x'), new Uint8Array([1])]]);

/** One file each, what it becomes, and what is told of it. */
const CHANGES: readonly (readonly [
  name: string,
  before: Files[string],
  after: Files[string],
  aspects: string,
])[] = [
  ['nothing', makeFile('a'), makeFile('a'), ''],
  ['a time alone', makeFile('a', { mtime: { seconds: 1, nanoseconds: 0 } }), makeFile('a'), ''],
  ['content of the same size', makeFile('a'), makeFile('b'), 'content'],
  ['content of another size', makeFile('a'), makeFile('ab'), 'content'],
  [
    'the last byte of a large one',
    makeFile(`${'x'.repeat(600_000)}a`),
    makeFile(`${'x'.repeat(600_000)}b`),
    'content',
  ],
  ['the mode', makeFile('a'), makeFile('a', { mode: 0o4755 }), 'mode'],
  ['the owner', makeFile('a'), makeFile('a', { gid: 7 }), 'owner'],
  ['an attribute', makeFile('a'), makeFile('a', { xattrs: XATTRS }), 'xattrs'],
  ['a link’s target', makeSymlink('a'), makeSymlink('b'), 'target'],
  ['a file that becomes a link', makeFile('a', { mode: 0o777 }), makeSymlink('a'), 'kind'],
];

for (const [name, before, after, aspects] of CHANGES) {
  test(`of a file: ${name}`, async () => {
    const { changed, added, removed } = await diffTrees(tree({ '/x': before }), tree({ '/x': after }));
    assert.equal(changed[0]?.aspects.join() ?? '', aspects);
    assert.deepEqual([added, removed], [[], []]);
  });
}

test('files that one has, with their sizes', async () => {
  const { added, removed, same } = await diffTrees(
    tree({ '/a': makeFile('1'), '/b': makeFile('22') }),
    tree({ '/b': makeFile('22'), '/c': makeFile('333') }),
  );
  const shown = (files: typeof added) => files.map(({ path, size }) => `${toText(path)} ${size}`);
  assert.deepEqual([shown(added), shown(removed)], [['/c 3'], ['/a 1']]);
  // The folder above, and /b.
  assert.equal(same, 2);
});

test('packages: changed, added, removed; several versions of one stay apart', () => {
  const of = (name: string, version: string, epoch?: number): Package => ({
    format: 'deb',
    name,
    version,
    architecture: 'amd64',
    purl: '',
    ...(epoch === undefined ? {} : { epoch }),
  });
  const diff = diffPackages(
    [
      of('bash', '5'),
      of('libc6', '2.40'),
      of('kernel', '1'),
      of('kernel', '2'),
      of('old', '1'),
      of('rpm', '1', 1),
    ],
    [
      of('bash', '5'),
      of('libc6', '2.41'),
      of('kernel', '2'),
      of('kernel', '3'),
      of('kernel', '4'),
      of('new', '1'),
      of('rpm', '1', 2),
    ],
  );
  assert.deepEqual(
    diff.changed.map(({ name, before, after }) => `${name} ${before} ${after}`),
    ['libc6 2.40 2.41', 'rpm 1:1 2:1'],
  );
  const shown = (packages: readonly Package[]) => packages.map(({ name, version }) => `${name} ${version}`);
  assert.deepEqual(shown(diff.added), ['kernel 3', 'kernel 4', 'new 1']);
  assert.deepEqual(shown(diff.removed), ['kernel 1', 'old 1']);
  assert.equal(diff.same, 2);
});
