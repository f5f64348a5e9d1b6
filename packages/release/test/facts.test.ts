import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import fc from 'fast-check';
import { parseElfArchitecture } from '../src/facts/elf.ts';
import { findArchitecture, findInit } from '../src/facts/init.ts';
import { readOsRelease } from '../src/facts/os-release.ts';
import { inspectTree, parseFramework, parseOsRelease, ReleaseError } from '../src/index.ts';
import { FRAMEWORK, fakeProgram, sampleTree, VERSION } from './sample.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('os-release', () => {
  const VALUES: readonly (readonly [line: string, value: string])[] = [
    ['X=plain', 'plain'],
    ['X="with blanks"', 'with blanks'],
    ["X='single $quotes `kept` \\n'", 'single $quotes `kept` \\n'],
    ['X="a \\"quoted\\" word"', 'a "quoted" word'],
    ['X="\\$HOME \\`id\\` \\\\"', '$HOME `id` \\'],
    ['X="\\n stays"', '\\n stays'],
    ['X=a\\ b', 'a b'],
    ['X=', ''],
    ['X=""', ''],
    ['X="ends at the line', 'ends at the line'],
    ['X="a"\'b\'c', 'abc'],
    ['X=value # no comment here', 'value'],
    ['X="tschüß"', 'tschüß'],
    ['X="crlf"\r', 'crlf'],
    ['  X=indented', 'indented'],
    ['X=first\nX=second', 'second'],
    ['X=a=b', 'a=b'],
  ];
  for (const [line, value] of VALUES) {
    test(JSON.stringify(line), () => {
      assert.equal(parseOsRelease(encode(`${line}\n`)).fields.get('X'), value);
    });
  }

  test('lines that are no assignments are left out', () => {
    const { fields } = parseOsRelease(encode('# comment\n\nno assignment\n=x\n1A=x\nA-B=x\nOK=1\n'));
    assert.deepEqual([...fields], [['OK', '1']]);
  });

  test('any value that is quoted as the page says comes back', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value));
    fc.assert(
      fc.property(text, (value) => {
        const quoted = `X="${value.replaceAll(/["$`\\]/g, String.raw`\$&`)}"\n`;
        assert.equal(parseOsRelease(encode(quoted)).fields.get('X'), value);
      }),
    );
  });

  test('defaults', () => {
    const empty = parseOsRelease(new Uint8Array());
    assert.deepEqual([empty.id, empty.prettyName, empty.versionId], ['linux', 'Linux', undefined]);
    assert.equal(parseOsRelease(encode('NAME=Arch')).prettyName, 'Arch');
    assert.equal(parseOsRelease(encode('VERSION_ID=""')).versionId, undefined);
  });

  test('/etc before /usr/lib', async () => {
    const root = makeDirectory();
    place(root, '/usr/lib/os-release', makeFile('ID=lib'));
    assert.equal((await readOsRelease(root)).id, 'lib');
    place(root, '/etc/os-release', makeFile('ID=etc'));
    assert.equal((await readOsRelease(root)).id, 'etc');
    place(root, '/etc/os-release', makeSymlink('/nowhere'));
    assert.equal((await readOsRelease(root)).id, 'lib');
  });
});

describe('architecture', () => {
  const MACHINES = [
    [62, 'amd64'],
    [183, 'arm64'],
    [3, '386'],
    [40, 'arm'],
    [243, 'riscv64'],
    [4711, 'machine-4711'],
  ] as const;
  for (const [machine, name] of MACHINES) {
    test(name, () => assert.equal(parseElfArchitecture(fakeProgram(machine)), name));
  }

  test('big-endian headers', () => {
    const head = fakeProgram(0);
    head[5] = 2;
    head.set([0, 22], 18);
    assert.equal(parseElfArchitecture(head), 's390x');
  });

  test('no ELF file', () => {
    assert.equal(parseElfArchitecture(encode('#!/bin/sh\nexec something\n')), undefined);
    assert.equal(parseElfArchitecture(encode('\u007fELF')), undefined);
  });

  test('of a shell where the init is a script', async () => {
    const root = makeDirectory();
    place(root, '/sbin/init', makeFile('#!/bin/sh\nexec /something/else\n', { mode: 0o755 }));
    assert.equal(await findArchitecture(root), undefined);
    place(root, '/bin/busybox', makeFile(fakeProgram(183), { mode: 0o755 }));
    place(root, '/bin/sh', makeSymlink('busybox'));
    assert.equal(await findArchitecture(root), 'arm64');
  });
});

describe('init', () => {
  const program = () => makeFile(fakeProgram(), { mode: 0o755 });
  const CASES: readonly {
    readonly name: string;
    readonly make: (root: Directory) => void;
    readonly init: { path: string; program: string; kind: string } | undefined;
  }[] = [
    { name: 'none', make: () => {}, init: undefined },
    {
      name: 'systemd through links',
      make(root) {
        place(root, '/usr/lib/systemd/systemd', program());
        place(root, '/usr/sbin/init', makeSymlink('../lib/systemd/systemd'));
        place(root, '/sbin', makeSymlink('usr/sbin'));
      },
      init: { path: '/sbin/init', program: '/usr/lib/systemd/systemd', kind: 'systemd' },
    },
    {
      name: 'systemd without its sysv package',
      make: (root) => place(root, '/usr/lib/systemd/systemd', program()),
      init: { path: '/usr/lib/systemd/systemd', program: '/usr/lib/systemd/systemd', kind: 'systemd' },
    },
    {
      name: 'sysvinit',
      make(root) {
        place(root, '/sbin/init', program());
        place(root, '/etc/inittab', makeFile('# openrc\nsi::sysinit:/etc/init.d/rcS\n'));
      },
      init: { path: '/sbin/init', program: '/sbin/init', kind: 'sysvinit' },
    },
    {
      name: 'OpenRC by sysvinit',
      make(root) {
        place(root, '/sbin/init', program());
        place(root, '/etc/inittab', makeFile('si::sysinit:/sbin/openrc sysinit\n'));
      },
      init: { path: '/sbin/init', program: '/sbin/init', kind: 'openrc' },
    },
    {
      name: 'OpenRC by busybox, as in Alpine',
      make(root) {
        place(root, '/bin/busybox', program());
        place(root, '/sbin/init', makeSymlink('/bin/busybox'));
        place(root, '/etc/inittab', makeFile('::sysinit:/sbin/openrc sysinit\n#::x:/y\n'));
      },
      init: { path: '/sbin/init', program: '/bin/busybox', kind: 'openrc' },
    },
    {
      name: "OpenRC's own",
      make(root) {
        place(root, '/sbin/openrc-init', program());
        place(root, '/sbin/init', makeSymlink('openrc-init'));
      },
      init: { path: '/sbin/init', program: '/sbin/openrc-init', kind: 'openrc' },
    },
    {
      name: 'busybox alone',
      make(root) {
        place(root, '/bin/busybox', program());
        place(root, '/sbin/init', makeSymlink('../bin/busybox'));
      },
      init: { path: '/sbin/init', program: '/bin/busybox', kind: 'busybox' },
    },
    {
      name: 'another program',
      make: (root) => place(root, '/sbin/init', program()),
      init: { path: '/sbin/init', program: '/sbin/init', kind: 'other' },
    },
    {
      name: 'a file that is no program, and a link to nowhere',
      make(root) {
        place(root, '/sbin/init', makeFile(fakeProgram()));
        place(root, '/bin/init', makeSymlink('/nowhere'));
      },
      init: undefined,
    },
  ];
  for (const { name, make, init } of CASES) {
    test(name, async () => {
      const root = makeDirectory();
      make(root);
      assert.deepEqual(await findInit(root), init);
    });
  }
});

describe('framework.json', () => {
  test('later fields are left out', () => {
    assert.deepEqual(parseFramework(encode(JSON.stringify({ ...FRAMEWORK, later: 1 }))), FRAMEWORK);
  });
  const BAD: readonly (readonly [text: string, message: RegExp])[] = [
    ['{', /is not JSON/],
    [JSON.stringify({ ...FRAMEWORK, formatVersion: 2 }), /formatVersion/],
    [JSON.stringify({ ...FRAMEWORK, digest: 'abc' }), /digest: must be 64 hexadecimal digits/],
    ['null', /framework\.json: it/],
  ];
  for (const [text, message] of BAD) {
    test(text, () => {
      assert.throws(
        () => parseFramework(encode(text)),
        (error) => error instanceof ReleaseError && error.code === 'bad-image' && message.test(error.message),
      );
    });
  }
});

test('all facts of a tree', async () => {
  const facts = await inspectTree(sampleTree());
  assert.equal(facts.osRelease.fields.get('NAME'), 'Sample OS');
  assert.equal(facts.architecture, 'amd64');
  assert.equal(facts.init?.kind, 'systemd');
  assert.deepEqual(
    facts.kernels.map(({ version, image, modules }) => ({ version, image, modules })),
    [{ version: VERSION, image: `/boot/vmlinuz-${VERSION}`, modules: `/usr/lib/modules/${VERSION}` }],
  );
  assert.deepEqual(facts.moduleVersions, [VERSION]);
  assert.equal(facts.framework, undefined);
});
