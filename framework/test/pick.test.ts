import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Directory, makeDirectory, makeFile, makeSymlink, place, walk } from '@cairn/tree';
import { overlay } from '../src/initrd.ts';
import { Picker } from '../src/pick.ts';
import { type ElfSample, makeElf } from './elf-file.ts';

const LIB = '/usr/lib/x86_64-linux-gnu';
const LOADER = '/lib64/ld-linux-x86-64.so.2';

/** A tree of files, of ELF files, and of links, which are `-> TARGET`. */
function treeOf(contents: Readonly<Record<string, string | ElfSample>>): Directory {
  const root = makeDirectory();
  for (const [path, content] of Object.entries(contents)) {
    if (typeof content !== 'string') place(root, path, makeFile(makeElf(content), { mode: 0o755 }));
    else if (content.startsWith('-> ')) place(root, path, makeSymlink(content.slice(3)));
    else place(root, path, makeFile(content));
  }
  return root;
}

function pathsOf(tree: Directory): string[] {
  return [...walk(tree)].filter(({ inode }) => inode.kind !== 'directory').map(({ path }) => path);
}

const PACKAGES = treeOf({
  lib: '-> usr/lib',
  lib64: '-> usr/lib64',
  sbin: '-> usr/sbin',
  '/usr/lib64/ld-linux-x86-64.so.2': `-> ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2`,
  [`${LIB}/ld-linux-x86-64.so.2`]: {},
  [`${LIB}/libc.so.6`]: { needed: ['ld-linux-x86-64.so.2'] },
  [`${LIB}/libone.so.1`]: '-> libone.so.1.2.3',
  [`${LIB}/libone.so.1.2.3`]: { needed: ['libtwo.so.2', 'libc.so.6'] },
  [`${LIB}/libtwo.so.2`]: { needed: ['libone.so.1'] },
  [`${LIB}/systemd/libsystemd-shared-257.so`]: { needed: ['libc.so.6'] },
  '/usr/lib/libplain.so': {},
  '/usr/bin/tool': { interpreter: LOADER, needed: ['libone.so.1'] },
  '/usr/bin/script': '#!/bin/sh\n',
  '/usr/bin/sd': { interpreter: LOADER, needed: ['libsystemd-shared-257.so', 'libplain.so'] },
  '/usr/bin/broken': { interpreter: LOADER, needed: ['libgone.so'] },
  '/usr/bin/no-loader': { interpreter: '/lib/gone.so' },
  '/usr/sbin/first': '-> ../bin/tool',
  '/usr/sbin/second': '-> /usr/sbin/first',
  '/usr/bin/ping': '-> pong',
  '/usr/bin/pong': '-> ping',
  '/usr/bin/dangling': '-> /nowhere',
});

const RUNS_TOOL = [
  `${LIB}/ld-linux-x86-64.so.2`,
  `${LIB}/libc.so.6`,
  `${LIB}/libone.so.1`,
  `${LIB}/libone.so.1.2.3`,
  `${LIB}/libtwo.so.2`,
  '/usr/lib64/ld-linux-x86-64.so.2',
];

suite('a file is taken with all that it needs', () => {
  const cases: readonly { readonly path: string; readonly expected: readonly string[] }[] = [
    { path: '/usr/bin/script', expected: ['/usr/bin/script'] },
    { path: '/usr/bin/tool', expected: ['/usr/bin/tool', ...RUNS_TOOL] },
    {
      path: '/usr/sbin/second',
      expected: ['/usr/bin/tool', '/usr/sbin/first', '/usr/sbin/second', ...RUNS_TOOL],
    },
    // By a link of a folder: it lies where it really is.
    { path: '/sbin/first', expected: ['/usr/bin/tool', '/usr/sbin/first', ...RUNS_TOOL] },
    {
      path: '/usr/bin/sd',
      expected: [
        '/usr/bin/sd',
        '/usr/lib/libplain.so',
        `${LIB}/ld-linux-x86-64.so.2`,
        `${LIB}/libc.so.6`,
        `${LIB}/systemd/libsystemd-shared-257.so`,
        '/usr/lib64/ld-linux-x86-64.so.2',
      ],
    },
    { path: '/usr/bin/ping', expected: ['/usr/bin/ping', '/usr/bin/pong'] },
  ];
  for (const { path, expected } of cases) {
    test(path, async () => {
      const picker = new Picker(PACKAGES);
      await picker.take(path);
      assert.deepEqual(pathsOf(picker.tree).sort(), expected.toSorted());
    });
  }

  test('once, whoever needs it, and as the very inode', async () => {
    const picker = new Picker(PACKAGES);
    await picker.take('/usr/bin/tool');
    await picker.take('/usr/bin/tool');
    await picker.take('/usr/sbin/second');
    const taken = new Map([...walk(picker.tree)].map(({ path, inode }) => [path, inode]));
    for (const { path, inode } of walk(PACKAGES)) {
      if (inode.kind !== 'directory' && taken.has(path)) assert.equal(taken.get(path), inode);
    }
  });

  test('libraries are known by the names they are linked by', async () => {
    const picker = new Picker(PACKAGES);
    await picker.takeLibrary('libone.so.1', 'a test');
    assert.deepEqual([...picker.libraries.keys()].sort(), [
      'ld-linux-x86-64.so.2',
      'libc.so.6',
      'libone.so.1',
      'libtwo.so.2',
    ]);
  });
});

suite('what is missing is an error that names it', () => {
  const cases = [
    {
      path: '/usr/bin/nothing',
      code: 'missing-file',
      message: '/usr/bin/nothing is in none of the packages',
    },
    { path: '/usr/bin/dangling', code: 'missing-file', message: '/nowhere is in none of the packages' },
    { path: '/usr/bin/no-loader', code: 'missing-file', message: '/lib/gone.so is in none of the packages' },
    {
      path: '/usr/bin/broken',
      code: 'missing-library',
      message: '/usr/bin/broken needs libgone.so, which none of the packages brings',
    },
  ];
  for (const { path, code, message } of cases) {
    test(path, async () => {
      await assert.rejects(new Picker(PACKAGES).take(path), { name: 'FrameworkError', code, message });
    });
  }
});

suite('one tree over another', () => {
  test('folders are merged, files replaced, and links to folders kept', () => {
    const onto = treeOf({ '/usr/bin/a': 'old', '/usr/lib/x': 'old', bin: '-> usr/bin', '/etc/name': 'old' });
    overlay(onto, treeOf({ '/bin/b': 'new', '/usr/lib/x': 'new', '/etc/deep/y': 'new' }));
    assert.deepEqual(pathsOf(onto), [
      '/bin',
      '/etc/deep/y',
      '/etc/name',
      '/usr/bin/a',
      '/usr/bin/b',
      '/usr/lib/x',
    ]);
  });

  test('a file takes the place of a folder, and a folder that of a file', () => {
    const onto = treeOf({ '/a/x': 'old', b: 'old', c: '-> nowhere' });
    overlay(onto, treeOf({ a: 'new', '/b/y': 'new', '/c/z': 'new' }));
    assert.deepEqual(pathsOf(onto), ['/a', '/b/y', '/c/z']);
  });
});
