import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bytesOf } from '@cairn/bytes';
import {
  ensureDirectory,
  lookup,
  makeDirectory,
  makeFile,
  makeSymlink,
  NO_XATTRS,
  place,
  readFileIn,
  sortedEntries,
  walk,
} from '../src/index.ts';
import { treeOf } from './trees.ts';

suite('a file is placed', () => {
  const cases = [
    { name: 'at the root', tree: [], path: 'x', leadsTo: '/x' },
    { name: 'below folders that are made', tree: [], path: '/a/b/x', leadsTo: '/a/b/x' },
    { name: 'through a link', tree: ['usr/bin/', 'bin -> usr/bin'], path: '/bin/x', leadsTo: '/usr/bin/x' },
    {
      name: 'through an absolute link',
      tree: ['run/', 'var/run -> /run'],
      path: '/var/run/x',
      leadsTo: '/run/x',
    },
    { name: 'below a link, in a new folder', tree: ['b/', 'a -> b'], path: '/a/new/x', leadsTo: '/b/new/x' },
    { name: 'by a way back', tree: ['a/b/'], path: '/a/b/../x', leadsTo: '/a/x' },
    { name: 'in place of a file', tree: ['a/x'], path: '/a/x', leadsTo: '/a/x' },
    { name: 'in place of a link, not where it leads', tree: ['y', 'x -> y'], path: '/x', leadsTo: '/x' },
    { name: 'in place of a link that leads nowhere', tree: ['x -> nowhere'], path: '/x', leadsTo: '/x' },
    { name: 'in place of a directory', tree: ['x/y'], path: '/x', leadsTo: '/x' },
  ];
  for (const { name, tree, path, leadsTo } of cases) {
    test(name, () => {
      const root = treeOf(...tree);
      const file = makeFile('new');
      place(root, path, file);
      assert.equal(lookup(root, path)?.inode, file);
      assert.equal(lookup(root, path)?.path, leadsTo);
    });
  }
});

suite('a file cannot be placed', () => {
  const cases = [
    { name: 'as the root', tree: [], path: '/', code: 'not-a-directory' },
    { name: 'under no name', tree: ['a/'], path: '/a/..', code: 'not-a-directory' },
    { name: 'below a file', tree: ['a'], path: '/a/x', code: 'not-a-directory' },
    { name: 'below a link to a file', tree: ['a', 'b -> a'], path: '/b/x', code: 'not-a-directory' },
    {
      name: 'below a link that leads nowhere',
      tree: ['a -> nowhere'],
      path: '/a/x',
      code: 'not-a-directory',
    },
    { name: 'below a loop', tree: ['a -> a'], path: '/a/x', code: 'link-loop' },
  ];
  for (const { name, tree, path, code } of cases) {
    test(name, () => {
      const root = treeOf(...tree);
      const before = [...walk(root)];
      assert.throws(() => place(root, path, makeFile('')), { name: 'TreeError', code });
      assert.deepEqual([...walk(root)], before, 'the tree is as it was');
    });
  }
});

suite('a folder is made sure of', () => {
  test('what is there stays, with all that is in it', () => {
    const root = treeOf('usr/lib/x', 'lib -> usr/lib');
    const there = lookup(root, '/usr/lib')?.inode;
    assert.equal(ensureDirectory(root, '/lib'), there);
    assert.equal(ensureDirectory(root, ''), root);
  });

  test("what is missing is root's, 0755, of the time of the root", () => {
    const root = makeDirectory({ mtime: { seconds: 7, nanoseconds: 8 }, uid: 5, mode: 0o700 });
    const made = ensureDirectory(root, '/a/b');
    const { entries, ...attributes } = made;
    assert.deepEqual(attributes, {
      kind: 'directory',
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime: { seconds: 7, nanoseconds: 8 },
      xattrs: NO_XATTRS,
    });
    assert.equal(entries.size, 0);
  });
});

suite('the order of a walk', () => {
  test('parents first, names as bytes', () => {
    const root = treeOf('b/x', 'a.b', 'a/z', 'a/y/deep', 'B', '\xff', 'a-', 'é');
    const paths = [...walk(root)].map(({ path }) => path);
    assert.deepEqual(paths, [
      '/',
      '/B',
      '/a',
      '/a/y',
      '/a/y/deep',
      '/a/z',
      '/a-',
      '/a.b',
      '/b',
      '/b/x',
      '/é',
      '/\xff',
    ]);
    assert.deepEqual(
      sortedEntries(root).map(([name]) => name),
      ['B', 'a', 'a-', 'a.b', 'b', 'é', '\xff'],
    );
  });

  test('links are not followed, and hard links are one inode under each name', () => {
    const root = treeOf('dir/', 'loop -> .');
    const file = makeFile('twice');
    place(root, 'one', file);
    place(root, 'dir/two', file);
    const found = [...walk(root)];
    assert.deepEqual(
      found.map(({ path }) => path),
      ['/', '/dir', '/dir/two', '/loop', '/one'],
    );
    assert.equal(found[2]?.inode, found[4]?.inode);
  });

  test('a tree may be deeper than the call stack', () => {
    const root = makeDirectory();
    let deepest = root;
    for (let depth = 0; depth < 20_000; depth++) {
      const next = makeDirectory();
      deepest.entries.set('d', next);
      deepest = next;
    }
    let count = 0;
    for (const { inode } of walk(root)) if (inode.kind === 'directory') count++;
    assert.equal(count, 20_001);
  });
});

suite('a small file of a tree', () => {
  const root = treeOf('etc/name', 'link -> etc/name', 'self -> self');
  place(root, 'link-to-folder', makeSymlink('etc'));

  test('is read through links', async () => {
    assert.deepEqual(await readFileIn(root, '/link'), new Uint8Array(bytesOf('etc/name')));
    assert.deepEqual(await readFileIn(root, '/etc/name', { limit: 8 }), new Uint8Array(bytesOf('etc/name')));
  });

  for (const path of ['/nothing', '/etc', '/link-to-folder']) {
    test(`is not there: ${path}`, async () => assert.equal(await readFileIn(root, path), undefined));
  }

  test('is refused over the limit, before it is read', async () => {
    await assert.rejects(readFileIn(root, '/link', { limit: 7 }), {
      name: 'TreeError',
      code: 'too-large',
      message: '/link has 8 bytes, more than the 7 allowed here',
    });
    const endless = { size: 2 ** 50, read: () => assert.fail('nobody asked for its bytes') };
    place(root, 'endless', makeFile(endless));
    await assert.rejects(readFileIn(root, '/endless'), { code: 'too-large' });
  });

  test('behind a loop of links is an error', async () => {
    await assert.rejects(readFileIn(root, '/self'), { code: 'link-loop' });
  });
});

test("what is made without attributes is root's", () => {
  assert.deepEqual(
    [makeDirectory(), makeFile(''), makeSymlink('x')].map(({ kind, mode, uid, gid, mtime }) => [
      kind,
      mode,
      uid,
      gid,
      mtime.seconds,
    ]),
    [
      ['directory', 0o755, 0, 0, 0],
      ['file', 0o644, 0, 0, 0],
      ['symlink', 0o777, 0, 0, 0],
    ],
  );
});
