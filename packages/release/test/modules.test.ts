import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeFile, makeSymlink, place } from '@cairn/tree';
import { type ModuleGroup, WANTED_MODULES } from '../src/index.ts';
import { type ModuleTexts, moduleName, parseModuleIndex } from '../src/modules/dependencies.ts';
import { missingModules, moduleFiles, selectModules } from '../src/modules/select.ts';
import { MODULE_TEXTS, sampleTree, VERSION } from './sample.ts';

const encode = (text: string) => new TextEncoder().encode(text);

function texts(given: Partial<Record<keyof ModuleTexts, string>>): ModuleTexts {
  const { dep = '', builtin = '', alias = '', softdep = '', weakdep = '' } = given;
  return {
    dep: encode(dep),
    builtin: encode(builtin),
    alias: encode(alias),
    softdep: encode(softdep),
    weakdep: encode(weakdep),
  };
}

const SAMPLE = parseModuleIndex(
  texts({
    dep: MODULE_TEXTS['modules.dep'],
    builtin: MODULE_TEXTS['modules.builtin'],
    alias: MODULE_TEXTS['modules.alias'],
    softdep: MODULE_TEXTS['modules.softdep'],
  }),
);

test('names', () => {
  const NAMES = [
    ['kernel/drivers/md/dm-verity.ko', 'dm_verity'],
    ['kernel/fs/erofs/erofs.ko.xz', 'erofs'],
    ['extra/a-b_c.ko.zst', 'a_b_c'],
    ['nvme.ko.gz', 'nvme'],
    ['crypto-sha256', 'crypto_sha256'],
  ] as const;
  for (const [given, name] of NAMES) assert.equal(moduleName(given), name);
});

describe('index files', () => {
  test('modules, builtin, aliases and soft dependencies', () => {
    const index = parseModuleIndex(
      texts({
        dep: 'kernel/a-x.ko.xz: kernel/b.ko.xz kernel/c.ko.xz\nkernel/b.ko.xz:\n\nnot a line\n: x\nREADME: y\n',
        builtin: 'kernel/d-e.ko\n\n',
        alias:
          '# comment\nalias crypto-z a_x\nalias crypto-z b\nalias pci:v*d* b\nalias usb:[0-9] b\nalias broken\n',
        softdep: '# comment\nsoftdep a-x pre: b post: d-e\nsoftdep\nother line\n',
        weakdep: 'weakdep a_x crypto-z\n',
      }),
    );
    assert.deepEqual(
      [...index.modules],
      [
        [
          'a_x',
          { name: 'a_x', path: 'kernel/a-x.ko.xz', dependencies: ['kernel/b.ko.xz', 'kernel/c.ko.xz'] },
        ],
        ['b', { name: 'b', path: 'kernel/b.ko.xz', dependencies: [] }],
      ],
    );
    assert.deepEqual([...index.builtin], ['d_e']);
    assert.deepEqual([...index.aliases], [['crypto_z', ['a_x', 'b']]]);
    assert.deepEqual([...index.soft], [['a_x', ['b', 'd_e', 'crypto_z']]]);
  });

  test('empty', () => {
    const index = parseModuleIndex(texts({}));
    assert.deepEqual(
      [index.modules.size, index.builtin.size, index.aliases.size, index.soft.size],
      [0, 0, 0, 0],
    );
    assert.deepEqual(missingModules(index), ['erofs', 'dm-verity', 'overlay']);
  });
});

describe('selection', () => {
  const CASES: readonly {
    readonly name: string;
    readonly index: Partial<Record<keyof ModuleTexts, string>>;
    readonly wanted: readonly ModuleGroup[];
    readonly paths: readonly string[];
  }[] = [
    {
      name: 'with dependencies, which depmod has closed',
      index: { dep: 'a.ko: b.ko c.ko\nb.ko: c.ko\nc.ko:\nd.ko:' },
      wanted: [{ reason: 'test', names: ['a'] }],
      paths: ['a.ko', 'b.ko', 'c.ko'],
    },
    {
      name: 'with soft and weak dependencies of dependencies',
      index: {
        dep: 'a.ko: b.ko\nb.ko:\nc.ko:\nd.ko:\ne.ko:',
        softdep: 'softdep b pre: c',
        weakdep: 'weakdep c d',
      },
      wanted: [{ reason: 'test', names: ['a'] }],
      paths: ['a.ko', 'b.ko', 'c.ko', 'd.ko'],
    },
    {
      name: 'by alias: all that go by it',
      index: { dep: 'x.ko:\ny.ko:\nz.ko:', alias: 'alias crypto-sha256 x\nalias crypto-sha256 y' },
      wanted: [{ reason: 'test', names: ['crypto-sha256'] }],
      paths: ['x.ko', 'y.ko'],
    },
    {
      name: 'by its own name rather than by alias',
      index: { dep: 'xts.ko:\ny.ko:', alias: 'alias xts y' },
      wanted: [{ reason: 'test', names: ['xts'] }],
      paths: ['xts.ko'],
    },
    {
      name: 'folders',
      index: { dep: 'kernel/fs/nls/b.ko:\nkernel/fs/nls/a.ko:\nkernel/fs/nlsx/c.ko:' },
      wanted: [{ reason: 'test', folders: ['kernel/fs/nls/'] }],
      paths: ['kernel/fs/nls/a.ko', 'kernel/fs/nls/b.ko'],
    },
    {
      name: 'loops, and what is built in or not there',
      index: {
        dep: 'a.ko: b.ko gone.ko\nb.ko: a.ko',
        softdep: 'softdep a pre: b built\nsoftdep b post: a nothing',
        builtin: 'built.ko',
        alias: 'alias nothing built',
      },
      wanted: [{ reason: 'test', names: ['a', 'built', 'unknown'] }],
      paths: ['a.ko', 'b.ko'],
    },
    { name: 'nothing', index: { dep: 'a.ko:' }, wanted: [], paths: [] },
  ];
  for (const { name, index, wanted, paths } of CASES) {
    test(name, () => {
      assert.deepEqual(
        selectModules(parseModuleIndex(texts(index)), wanted).map(({ path }) => path),
        paths,
      );
    });
  }

  test('of the sample: all but the network', () => {
    assert.deepEqual(
      selectModules(SAMPLE).map(({ name }) => name),
      [
        'sha256_ssse3',
        'crc32c_generic',
        'virtio_blk',
        'dm_bufio',
        'dm_mod',
        'dm_verity',
        'erofs',
        'nls_cp437',
        'libcrc32c',
      ],
    );
  });

  test('files: the modules and every index file, in order', () => {
    const root = sampleTree();
    const folder = `/usr/lib/modules/${VERSION}`;
    place(root, `${folder}/build`, makeSymlink('/usr/src/linux'));
    place(root, `${folder}/vmlinuz`, makeFile('kernel'));
    const chosen = selectModules(SAMPLE, [{ reason: 'test', names: ['erofs'] }]);
    assert.deepEqual(
      moduleFiles(root, folder, chosen).map(({ path }) => path),
      [
        'kernel/crypto/crc32c_generic.ko.xz',
        'kernel/fs/erofs/erofs.ko.xz',
        'kernel/lib/libcrc32c.ko.xz',
        'modules.alias',
        'modules.builtin',
        'modules.dep',
        'modules.dep.bin',
        'modules.softdep',
        'modules.weakdep',
      ],
    );
  });
});

test('the table of wanted modules gives its reasons, and no name twice in a group', () => {
  for (const { reason, names = [], folders = [] } of WANTED_MODULES) {
    assert.ok(reason.length > 10 && names.length + folders.length > 0, reason);
    assert.equal(new Set(names.map(moduleName)).size, names.length, reason);
    for (const folder of folders) assert.match(folder, /^kernel\/.*\/$/);
  }
});
