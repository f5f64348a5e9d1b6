import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@cairn/host';
import { type FakeHostOptions, type FakeProgram, fakeHost } from '@cairn/testkit';
import { boot, readRootHash } from '../src/boot/boot.ts';
import {
  ALL_LABELS,
  CLEAN,
  ext4Superblock,
  fakeNode,
  ROOT_HASH,
  setPartitions,
  WITH_ERRORS,
} from './fake-node.ts';

type Fault = NonNullable<FakeHostOptions['fault']>;

function bootOn(root: string, programs: Readonly<Record<string, FakeProgram>> = {}, fault?: Fault) {
  const done: FakeProgram = () => ({});
  const cp: FakeProgram = ([, , from = '', to = '']) => {
    cpSync(join(root, from), join(root, to), { recursive: true });
    return {};
  };
  const host = fakeHost({
    root,
    programs: { mount: done, e2fsck: done, 'systemd-repart': done, sync: done, cp, ...programs },
    ...(fault === undefined ? {} : { fault }),
  });
  return { host, record: boot(host, { root: '/sysroot' }) };
}

function setMounts(root: string, targets: readonly string[]): void {
  mkdirSync(join(root, '/proc/self'), { recursive: true });
  const lines = targets.map((target) => `30 1 0:30 / ${target} rw - tmpfs tmpfs rw\n`);
  writeFileSync(join(root, '/proc/self/mountinfo'), lines.join(''));
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
      'sync --file-system /run/cairn/persistent',
      'mount --all --fstab /run/cairn/fstab.writable',
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
  /** What is mounted in the end, where mount(8) fails. */
  mounted?: readonly string[];
  state?: number;
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
      mount: ([, , , table]) => (table?.endsWith('base') ? { exitCode: 64, stderr: 'wrong fs type\n' } : {}),
    },
    mounted: ['/run/cairn/image', '/run/cairn/volatile', '/sysroot/oem'],
    problem: /\/run\/cairn\/persistent could not be mounted: wrong fs type\nwhat should be kept is in memory/,
    persistent: false,
  },
  {
    name: 'a kept path cannot be mounted',
    programs: {
      mount: ([, , , table]) =>
        table?.endsWith('writable') ? { exitCode: 64, stderr: 'stale upper\n' } : {},
    },
    mounted: ['/sysroot/etc', '/sysroot/var', '/sysroot/srv', '/sysroot/tmp'],
    problem: /^\/home could not be mounted: stale upper/m,
    persistent: true,
  },
  {
    name: 'its file system has errors',
    state: WITH_ERRORS,
    programs: { e2fsck: () => ({ exitCode: 4, stdout: 'UNEXPECTED INCONSISTENCY\n' }) },
    problem: /COS_PERSISTENT had errors, which could not be mended: UNEXPECTED/,
    persistent: true,
  },
];

for (const { name, labels, programs, mounted = [], state = CLEAN, problem, persistent } of DEGRADED) {
  test(`the machine comes up all the same when ${name}`, async () => {
    const root = fakeNode(labels === undefined ? {} : { labels });
    setMounts(root, mounted);
    writeFileSync(join(root, '/dev/vda6'), ext4Superblock(state));
    const record = await bootOn(root, programs).record;
    assert.equal(record.persistent, persistent);
    assert.match(record.problems.join('\n'), problem);
    assert.ok(existsSync(join(root, '/sysroot/etc/machine-id')));
  });
}

/** What may fail on a partition that is full, worn out, or has become read-only. */
const BROKEN: readonly { name: string; fault: Fault; persistent: boolean; problem: RegExp }[] = [
  {
    name: 'the persistent partition cannot be read',
    fault: (operation, path) =>
      operation === 'open' && path === '/dev/vda6' ? new HostError('io', `cannot read ${path}`) : undefined,
    persistent: false,
    problem: /COS_PERSISTENT cannot be used: cannot read \/dev\/vda6\nwhat should be kept is in memory/,
  },
  {
    name: 'the OEM partition cannot be read',
    fault: (operation, path) =>
      operation === 'open' && path === '/dev/vda5' ? new HostError('io', `cannot read ${path}`) : undefined,
    persistent: true,
    problem: /COS_OEM cannot be used/,
  },
  {
    name: 'no folder can be made on the persistent partition',
    fault: (operation, path) =>
      operation === 'makeDirectory' && path.startsWith('/run/cairn/persistent/state')
        ? new HostError('no-space', `cannot make the folder ${path}`)
        : undefined,
    persistent: false,
    problem: /in memory, until the next reboot: cannot make the folder/,
  },
  {
    name: 'a folder on the persistent partition cannot be looked at',
    fault: (operation, path) =>
      operation === 'lstat' && path.startsWith('/run/cairn/persistent/state')
        ? new HostError('io', `cannot look at ${path}`)
        : undefined,
    persistent: false,
    problem: /in memory, until the next reboot: cannot look at/,
  },
  {
    name: 'the machine id cannot be kept',
    fault: (operation, path) =>
      operation === 'replace' && path.includes('/identity/')
        ? new HostError('no-space', 'disk full')
        : undefined,
    persistent: true,
    problem: /machine's id lasts only for this boot: disk full/,
  },
];

for (const { name, fault, persistent, problem } of BROKEN) {
  test(`the machine comes up all the same when ${name}`, async () => {
    const root = fakeNode();
    const record = await bootOn(root, {}, fault).record;
    assert.equal(record.persistent, persistent);
    assert.match(record.problems.join('\n'), problem);
    assert.match(read(root, '/sysroot/etc/machine-id'), /^[0-9a-f]{32}\n$/);
  });
}

test('copies of the image get their names only when they are on the disk', async () => {
  const root = fakeNode();
  const named: string[] = [];
  const { record } = bootOn(root, {
    sync: () => {
      named.push(existsSync(join(root, '/run/cairn/persistent/state/home/data')) ? 'before' : 'after');
      return {};
    },
  });
  await record;
  assert.deepEqual(named, ['after']);
});

const REFUSED: readonly [string, string, readonly string[], RegExp][] = [
  [
    'the memory for volatile paths',
    'base',
    ['/run/cairn/image'],
    /\/run\/cairn\/volatile could not be mounted: no memory/,
  ],
  ['a volatile path', 'writable', ['/sysroot/etc'], /\/sysroot\/var could not be mounted: no memory/],
];

for (const [name, table, mounted, message] of REFUSED) {
  test(`a boot is refused when ${name} cannot be mounted`, async () => {
    const root = fakeNode();
    setMounts(root, mounted);
    const { record } = bootOn(root, {
      mount: (argv) => (argv.at(-1)?.endsWith(table) ? { exitCode: 64, stderr: 'no memory\n' } : {}),
    });
    await assert.rejects(record, { code: 'mount-failed', message });
  });
}

test('a file system that is clean is not checked, one with errors is', async () => {
  const root = fakeNode();
  writeFileSync(join(root, '/dev/vda5'), ext4Superblock(WITH_ERRORS));
  const { host, record } = bootOn(root);
  await record;
  assert.deepEqual(
    host.runs.filter(([program]) => program === 'e2fsck'),
    [['e2fsck', '-p', '/dev/vda5']],
  );
});

test('memory that cannot be written to ends the boot with the reason', async () => {
  const full: Fault = (operation, path) =>
    operation === 'write' && path.endsWith('boot.json')
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
