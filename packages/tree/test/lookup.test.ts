import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  type Directory,
  lookup,
  lookupDirectory,
  makeDirectory,
  makeSymlink,
  splitPath,
  TreeError,
} from '../src/index.ts';
import { treeOf } from './trees.ts';

const ROOT = treeOf(
  'etc/passwd',
  'usr/lib/os-release',
  'usr/bin/tool',
  'bin -> usr/bin',
  'etc/os-release -> ../usr/lib/os-release',
  'absolute -> /usr/lib',
  'climber -> ../../../../etc',
  'usr/up -> ..',
  'chain1 -> chain2',
  'chain2 -> /usr/up/chain3',
  'chain3 -> etc/passwd',
  'dangling -> nowhere/at/all',
  'self -> self',
  'ping -> pong',
  'pong -> ping',
  'grower -> grower/x',
  'slashes -> //usr///lib/./',
  'todot -> .',
);
// Only an archive can hold such a link: symlink(2) refuses it.
ROOT.entries.set('empty', makeSymlink(''));

suite('a path leads to', () => {
  const found: readonly (readonly [path: string, leadsTo: string])[] = [
    ['', '/'],
    ['/', '/'],
    ['.', '/'],
    ['/etc/passwd', '/etc/passwd'],
    ['etc/passwd', '/etc/passwd'],
    ['//etc/./passwd', '/etc/passwd'],
    ['/etc/../etc/passwd', '/etc/passwd'],
    ['/bin/tool', '/usr/bin/tool'],
    ['/bin/../lib/os-release', '/usr/lib/os-release'],
    ['/etc/os-release', '/usr/lib/os-release'],
    ['/absolute/os-release', '/usr/lib/os-release'],
    ['/slashes/os-release', '/usr/lib/os-release'],
    ['/..', '/'],
    ['/../../etc/passwd', '/etc/passwd'],
    ['/climber/passwd', '/etc/passwd'],
    ['/usr/up', '/'],
    ['/usr/up/usr/up/etc', '/etc'],
    ['/chain1', '/etc/passwd'],
    ['/todot/todot/todot/etc', '/etc'],
  ];
  for (const [path, leadsTo] of found) {
    test(`${path || 'the empty path'}: ${leadsTo}`, () => {
      const there = lookup(ROOT, path);
      assert.equal(there?.path, leadsTo);
      assert.equal(there.inode, at(ROOT, leadsTo));
    });
  }
});

suite('a path leads nowhere', () => {
  const missing = [
    '/nothing',
    '/etc/nothing',
    '/etc/passwd/below-a-file',
    '/etc/passwd/..',
    '/dangling',
    '/dangling/x',
    '/empty',
    '/empty/etc',
    // Names that a JavaScript object has of its own.
    '/constructor',
    '/__proto__',
  ];
  for (const path of missing) test(path, () => assert.equal(lookup(ROOT, path), undefined));
});

suite('links that go round are an error', () => {
  for (const path of ['/self', '/self/x', '/ping', '/pong/x', '/grower']) {
    test(path, () => {
      assert.throws(
        () => lookup(ROOT, path),
        (error) => error instanceof TreeError && error.code === 'link-loop' && error.message.includes(path),
      );
    });
  }

  test('after forty, as in Linux', () => {
    const root = treeOf('end');
    for (let index = 0; index < 41; index++) {
      root.entries.set(`link${index}`, makeSymlink(index === 0 ? 'end' : `link${index - 1}`));
    }
    assert.equal(lookup(root, '/link39')?.path, '/end');
    assert.throws(() => lookup(root, '/link40'), { code: 'link-loop' });
  });

  test('in time, however long the targets are', () => {
    const root = makeDirectory();
    root.entries.set('long', makeSymlink(`${'./long/../'.repeat(400)}long`));
    assert.throws(() => lookup(root, '/long'), { code: 'link-loop' });
  });
});

suite('a last link is left as it is when asked so', () => {
  const cases: readonly (readonly [path: string, leadsTo: string | undefined])[] = [
    ['/etc/os-release', '/etc/os-release'],
    ['/bin', '/bin'],
    ['/bin/tool', '/usr/bin/tool'],
    ['/self', '/self'],
    ['/dangling', '/dangling'],
    ['/usr/up/chain1', '/chain1'],
    ['/dangling/x', undefined],
    ['/etc/passwd', '/etc/passwd'],
  ];
  for (const [path, leadsTo] of cases) {
    test(`${path}: ${leadsTo}`, () => assert.equal(lookup(ROOT, path, { nofollow: true })?.path, leadsTo));
  }
  test('but not one on the way', () => {
    assert.throws(() => lookup(ROOT, '/self/x', { nofollow: true }), { code: 'link-loop' });
  });
});

test('a directory, and nothing else', () => {
  assert.equal(lookupDirectory(ROOT, '/bin'), at(ROOT, '/usr/bin'));
  assert.equal(lookupDirectory(ROOT, '/etc/passwd'), undefined);
  assert.equal(lookupDirectory(ROOT, '/nothing'), undefined);
});

test('the names of a path', () => {
  assert.deepEqual(splitPath('//a/./b/../c/'), ['a', 'b', '..', 'c']);
  assert.deepEqual(splitPath('/'), []);
});

/** What is at a path that has no links, step by step. */
function at(root: Directory, path: string) {
  let inode: ReturnType<Directory['entries']['get']> = root;
  for (const name of splitPath(path))
    inode = inode?.kind === 'directory' ? inode.entries.get(name) : undefined;
  return inode;
}
