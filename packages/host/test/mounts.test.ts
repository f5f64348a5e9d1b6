import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Mount, mountOf, parseMountInfo } from '../src/index.ts';
import { NEEDS_ROOT, scratch, tool } from './scratch.ts';

suite('a line of mountinfo', () => {
  const base: Mount = {
    id: 36,
    parent: 35,
    device: '98:0',
    root: '/',
    target: '/mnt',
    options: ['rw', 'noatime'],
    type: 'ext3',
    source: '/dev/root',
    superOptions: ['rw', 'errors=continue'],
  };
  const cases: readonly { readonly name: string; readonly line: string; readonly expected: Mount }[] = [
    {
      name: 'plain',
      line: '36 35 98:0 / /mnt rw,noatime - ext3 /dev/root rw,errors=continue',
      expected: base,
    },
    {
      name: 'with optional fields',
      line: '36 35 98:0 / /mnt rw,noatime shared:1 master:2 propagate_from:3 unbindable - ext3 /dev/root rw,errors=continue',
      expected: base,
    },
    {
      name: 'with blanks, a tab, a newline and a backslash',
      line: String.raw`36 35 98:0 /a\040b /mnt\011x\012y\134z rw,noatime - ext3 /dev/my\040disk rw,errors=continue`,
      expected: { ...base, root: '/a b', target: '/mnt\tx\ny\\z', source: '/dev/my disk' },
    },
    {
      name: 'with something that looks like the separator',
      line: String.raw`36 35 98:0 / /a\040-\040b rw,noatime - ext3 /dev/root rw,errors=continue`,
      expected: { ...base, target: '/a - b' },
    },
    {
      name: 'with a backslash before digits that are a name',
      line: String.raw`36 35 98:0 / /mnt\134040 rw,noatime - ext3 /dev/root rw,errors=continue`,
      expected: { ...base, target: String.raw`/mnt\040` },
    },
    {
      name: 'of an overlay with a comma and a blank in a path',
      line: String.raw`36 35 0:40 / /mnt rw - overlay overlay rw,lowerdir=/l\040x,upperdir=/u\054y`,
      expected: {
        ...base,
        device: '0:40',
        options: ['rw'],
        type: 'overlay',
        source: 'overlay',
        superOptions: ['rw', 'lowerdir=/l x', 'upperdir=/u,y'],
      },
    },
    {
      name: 'without a source',
      line: '36 35 98:0 / /mnt rw,noatime - ext3  rw,errors=continue',
      expected: { ...base, source: '' },
    },
  ];
  for (const { name, line, expected } of cases) {
    test(name, () => assert.deepEqual(parseMountInfo(`${line}\n`), [expected]));
  }

  test('that is none is left out', () => {
    const lines = [
      '',
      'nonsense',
      '36 35 98:0 / /mnt rw ext3',
      '36 35 98:0 / - ext3 /dev/root rw',
      '1 2 3:4 / / rw - ext3 x',
      ' - ',
    ];
    assert.deepEqual(parseMountInfo(lines.join('\n')), []);
  });

  test('whatever it is, it does no harm', () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom(' ', ' - ', '\\', '\\040', '\n', '1', '/', ','));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const mounts = parseMountInfo(pieces.join(''));
        assert.ok(mounts.length <= pieces.join('').split('\n').length);
        mountOf(mounts, '/a/b');
      }),
      { numRuns: 2000 },
    );
  });
});

suite('the mount that a path lies on', () => {
  /** `id parent target`. */
  const table = (...lines: readonly string[]) =>
    parseMountInfo(
      lines
        .map((line) => line.replace(/^(\d+) (\d+) (.*)$/, '$1 $2 0:$1 / $3 rw - tmpfs none rw'))
        .join('\n'),
    );
  const plain = table('20 1 /', '21 20 /usr', '22 21 /usr/local', '23 20 /var/lib');
  const cases: readonly (readonly [
    name: string,
    mounts: readonly Mount[],
    path: string,
    id: number | undefined,
  ])[] = [
    ['the root', plain, '/', 20],
    ['below the root', plain, '/etc/passwd', 20],
    ['a mount point itself', plain, '/usr', 21],
    ['below it', plain, '/usr/bin/x', 21],
    ['a mount in a mount', plain, '/usr/local/x', 22],
    ['a name that only begins like one', plain, '/usrlocal', 20],
    ['a folder above a mount point', plain, '/var', 20],
    ['one mounted over another', table('20 1 /', '21 20 /a', '22 21 /a'), '/a/x', 22],
    ['one mounted over another, told in another order', table('22 21 /a', '21 20 /a', '20 1 /'), '/a/x', 22],
    ['one that a later mount above it hides', table('20 1 /', '21 20 /a/b', '22 20 /a'), '/a/b/c', 22],
    [
      'one below a mount that was mounted over',
      table('20 1 /', '21 20 /a', '22 21 /a/b', '23 21 /a'),
      '/a/b',
      23,
    ],
    ['the root mounted over', table('1 1 /', '20 1 /', '21 20 /usr'), '/usr/x', 21],
    ['a root that is its own parent', table('1 1 /', '2 1 /a'), '/a', 2],
    ['in a chroot, where the root is no mount', table('30 9 /proc'), '/proc/1', 30],
    ['in a chroot, elsewhere', table('30 9 /proc'), '/etc', undefined],
    ['nothing is mounted', [], '/', undefined],
    ['parents that go round', table('5 6 /a', '6 5 /a'), '/a', undefined],
  ];
  for (const [name, mounts, path, id] of cases) {
    test(name, () => assert.equal(mountOf(mounts, path)?.id, id));
  }

  test('is the one that stat(2) finds, on this machine', () => {
    const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
    assert.ok(mounts.length > 0);
    for (const path of ['/', '/proc/self', '/sys/kernel', '/dev/pts', '/dev/shm', '/usr', '/tmp', '/run']) {
      const [major, minor] = tool('stat', '--format=%Hd:%Ld', path).split(':');
      assert.equal(mountOf(mounts, path)?.device, `${major}:${minor}`, path);
    }
  });

  test('is the one that stat(2) finds, where mounts hide one another', { skip: NEEDS_ROOT }, () => {
    using folder = scratch();
    const script = `
      set -e
      cd "$1"
      mkdir -p 'a b/c/d'
      mount -t tmpfs one 'a b'; mkdir -p 'a b/c/d'
      mount -t tmpfs two 'a b/c/d'
      mount -t tmpfs three 'a b/c'; mkdir -p 'a b/c/d'
      mount -t tmpfs four 'a b/c'; mkdir -p 'a b/c/d/e'
      mount -t tmpfs five 'a b/c/d/e'
      cat /proc/self/mountinfo
      echo ---
      for path in . 'a b' 'a b/c' 'a b/c/d' 'a b/c/d/e'; do stat --format='%Hd:%Ld %n' "$path"; done`;
    const output = tool('unshare', '--mount', '--propagation=private', 'sh', '-c', script, 'sh', folder.path);
    const [table = '', answers = ''] = output.split('\n---\n');
    const mounts = parseMountInfo(table);
    const sources: string[] = [];
    for (const line of answers.split('\n')) {
      const [device = '', ...name] = line.split(' ');
      const found = mountOf(mounts, join(folder.path, name.join(' ')));
      assert.equal(found?.device, device, line);
      sources.push(found.source);
    }
    assert.deepEqual(sources.slice(1), ['one', 'four', 'four', 'five']);
  });
});
