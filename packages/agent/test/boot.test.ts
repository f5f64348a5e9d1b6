import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@cairn/host';
import { type FakeHostOptions, type FakeProgram, fakeHost } from '@cairn/testkit';
import { boot, readRootHash } from '../src/boot/boot.ts';
import { ALL_LABELS, fakeNode, ROOT_HASH, setPartitions } from './fake-node.ts';

type Fault = NonNullable<FakeHostOptions['fault']>;

function bootOn(root: string, programs: Readonly<Record<string, FakeProgram>> = {}, fault?: Fault) {
  const done: FakeProgram = () => ({});
  const cp: FakeProgram = ([, , from = '', to = '']) => {
    cpSync(join(root, from), join(root, to), { recursive: true });
    return {};
  };
  const host = fakeHost({
    root,
    programs: { mount: done, e2fsck: done, 'systemd-repart': done, cp, ...programs },
    ...(fault === undefined ? {} : { fault }),
  });
  return { host, record: boot(host, { root: '/sysroot' }) };
}

function read(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

test('a boot from a whole disk makes all paths writable and leaves a record', async () => {
  const root = fakeNode();
  mkdirSync(join(root, '/run/cairn/image/home/me'), { recursive: true });
  const { host, record } = bootOn(root);
  const { took: _, ...rest } = await record;
  assert.deepEqual(rest, {
    formatVersion: 1,
    rootHash: ROOT_HASH,
    slot: 'cairn-a',
    disk: '/dev/vda',
    persistent: true,
    firstBoot: false,
    problems: [],
  });
  assert.deepEqual(JSON.parse(read(root, '/run/cairn/boot.json')), await record);
  assert.deepEqual(
    host.runs.map((argv) => argv.join(' ')).filter((line) => !line.startsWith('cp ')),
    [
      'mount --all --fstab /run/cairn/fstab.base',
      'mount --all --fstab /run/cairn/fstab.volatile',
      'e2fsck -p /dev/vda6',
      'mount --all --fstab /run/cairn/fstab.COS_PERSISTENT',
      'e2fsck -p /dev/vda5',
      'mount --all --fstab /run/cairn/fstab.COS_OEM',
      'mount --all --fstab /run/cairn/fstab.kept',
    ],
  );
  assert.ok(existsSync(join(root, '/run/cairn/persistent/state/home/data/me')), 'kept folders are filled');
  assert.match(read(root, '/sysroot/etc/fstab'), /^\/dev\/mapper\/root \/ erofs ro 0 0$/m);
});

test('the machine id is made once and stays, whatever the image brings', async () => {
  const root = fakeNode();
  await bootOn(root).record;
  const first = read(root, '/sysroot/etc/machine-id');
  assert.match(first, /^[0-9a-f]{32}\n$/);
  writeFileSync(join(root, '/sysroot/etc/machine-id'), `${'0'.repeat(32)}\n`);
  await bootOn(root).record;
  assert.equal(read(root, '/sysroot/etc/machine-id'), first);
});

test('the first boot on a disk makes the partitions', async () => {
  const root = fakeNode({ labels: ['ESP', 'cairn-a'] });
  const { host, record } = bootOn(root, {
    'systemd-repart': () => {
      setPartitions(root, ALL_LABELS);
      return {};
    },
    modprobe: () => ({}),
  });
  assert.equal((await record).firstBoot, true);
  assert.deepEqual((await record).problems, []);
  assert.deepEqual(
    host.runs.slice(0, 2).map((argv) => [argv[0], argv.at(-1)]),
    [
      ['modprobe', 'loop'],
      ['systemd-repart', '/dev/vda'],
    ],
  );
});

const DEGRADED: readonly {
  name: string;
  labels?: readonly string[];
  programs: Readonly<Record<string, FakeProgram>>;
  problem: RegExp;
  persistent: boolean;
}[] = [
  {
    name: 'partitions cannot be made',
    labels: ['ESP', 'cairn-a'],
    programs: { 'systemd-repart': () => ({ exitCode: 1, stderr: 'Can’t fit requested partitions\n' }) },
    problem: /the partitions of \/dev\/vda could not be made: Can’t fit/,
    persistent: false,
  },
  {
    name: 'the persistent partition cannot be mounted',
    programs: {
      mount: ([, , , table]) =>
        table?.endsWith('PERSISTENT') ? { exitCode: 32, stderr: 'wrong fs type\n' } : {},
    },
    problem: /mounting the COS_PERSISTENT paths failed: wrong fs type/,
    persistent: false,
  },
  {
    name: 'its file system has errors',
    programs: { e2fsck: () => ({ exitCode: 4, stdout: 'UNEXPECTED INCONSISTENCY\n' }) },
    problem: /COS_PERSISTENT has errors that were not mended: UNEXPECTED/,
    persistent: true,
  },
];

for (const { name, labels, programs, problem, persistent } of DEGRADED) {
  test(`the machine comes up all the same when ${name}`, async () => {
    const root = fakeNode(labels === undefined ? {} : { labels });
    const record = await bootOn(root, programs).record;
    assert.equal(record.persistent, persistent);
    assert.match(record.problems.join('\n'), problem);
    assert.ok(existsSync(join(root, '/sysroot/etc/machine-id')));
  });
}

test('a boot whose volatile paths cannot be mounted is refused', async () => {
  const { record } = bootOn(fakeNode(), {
    mount: ([, , , table]) =>
      table?.endsWith('volatile') ? { exitCode: 32, stderr: 'unknown filesystem\n' } : {},
  });
  await assert.rejects(record, {
    code: 'mount-failed',
    message: /volatile paths failed: unknown filesystem/,
  });
});

test('memory that cannot be written to ends the boot with the reason', async () => {
  const full: Fault = (operation, path) =>
    operation === 'replace' && path.endsWith('boot.json')
      ? new HostError('no-space', `cannot write ${path}`)
      : undefined;
  await assert.rejects(bootOn(fakeNode(), {}, full).record, { code: 'no-space' });
});

const COMMAND_LINES: readonly [string, string | undefined][] = [
  [`roothash=${ROOT_HASH} ro`, ROOT_HASH],
  [`quiet roothash=${ROOT_HASH}\n`, ROOT_HASH],
  ['ro quiet', undefined],
  [`xroothash=${ROOT_HASH}`, undefined],
  [`roothash=${ROOT_HASH.slice(1)}`, undefined],
  [`roothash=${ROOT_HASH}0`, undefined],
  [`roothash=${ROOT_HASH.toUpperCase()}`, undefined],
];

for (const [line, hash] of COMMAND_LINES) {
  test(`root hash of "${line.trim().slice(0, 20)}…"`, () => {
    if (hash === undefined) assert.throws(() => readRootHash(line), { code: 'not-a-node' });
    else assert.equal(readRootHash(line), hash);
  });
}
