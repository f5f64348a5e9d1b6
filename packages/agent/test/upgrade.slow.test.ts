import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@cairn/host';
import { bless, settle } from '../src/bless/bless.ts';
import { rollback } from '../src/rollback/rollback.ts';
import { loadState } from '../src/state/store.ts';
import { folderSource, type UpgradeRequest, upgrade } from '../src/upgrade/upgrade.ts';
import { Faults, faultyHost } from './faulty-host.ts';
import {
  boot,
  diskDigest,
  entriesOf,
  espFiles,
  hostOf,
  makeNode,
  makeRelease,
  renameEntry,
  sourceIn,
  type TestRelease,
  whatBoots,
  withSpace,
} from './upgrade-node.ts';

const [OLD, NEW, NEXT] = await Promise.all(['1.0', '2.0', '3.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined || NEXT === undefined) throw new TypeError('three releases');
const ALL = [OLD, NEW, NEXT];

function upgradeTo(root: string, release: TestRelease, request: UpgradeRequest = {}, host = hostOf(root)) {
  const source = sourceIn(root, release);
  return upgrade(host, async () => folderSource(source), request);
}

test('an upgrade makes the new release the next to boot, on trial, and keeps the old one', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const phases = new Set<string>();
  const host = hostOf(root);
  const { plan, done } = await upgradeTo(root, NEW, { onProgress: ({ phase }) => phases.add(phase) }, host);
  assert.equal(done, true);
  assert.equal(plan.summary, 'upgrade to Sample OS 2.0 in cairn-b');
  assert.deepEqual(
    plan.steps.map(({ step }) => step),
    [
      'remove-entries',
      'remove-files',
      'invalidate-slot',
      'write-slot',
      'verify-slot',
      'write-uki',
      'verify-uki',
      'commit',
      'record',
    ],
  );
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2+3.conf']);
  assert.deepEqual(
    espFiles(root).filter((path) => path.startsWith('EFI')),
    [OLD, NEW].flatMap(({ id }) => [`EFI/cairn/${id}.efi`, `EFI/cairn/${id}.json`]).toSorted(),
  );
  assert.equal(await whatBoots(root, ALL), '2.0');
  const { state } = await loadState(host.files);
  assert.equal(state.pending?.rootHash, NEW.release.root.rootHash);
  assert.deepEqual(
    state.actions.map(({ kind, result }) => [kind, result]),
    [['upgrade', 'done']],
  );
  assert.deepEqual([...phases], ['check', 'write', 'verify', 'uki']);
  assert.ok(!existsSync(join(root, 'run/cairn/lock')));
  assert.ok(!existsSync(join(root, 'oem/.cairn/action.json')));
  assert.deepEqual(host.runs.at(-1), ['umount', '/run/cairn/esp']);
});

test('the slot’s top is written when all else is on the disk, the entry when all else was read back', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const faults = new Faults({ kind: 'fail', at: Number.POSITIVE_INFINITY });
  await upgradeTo(root, NEW, {}, { ...hostOf(root), ...faultyHost(hostOf(root), faults), runs: [] });
  const places = [
    'write /dev/vda3',
    'fsync /dev/vda3',
    'run blockdev --flushbufs /dev/vda3',
    `open (create) /run/cairn/esp/EFI/cairn/${NEW.id}.efi.new`,
    'run sync --file-system /run/cairn/esp',
    'run umount /run/cairn/esp',
    'open (create) /run/cairn/esp/loader/entries/cairn-2+3.conf.new',
    'rename /run/cairn/esp/loader/entries/cairn-2+3.conf.new',
    'run sync --file-system /run/cairn/esp',
    'sync /run/cairn/esp/loader/entries',
  ];
  let at = -1;
  for (const place of places) {
    const found = faults.log.indexOf(place, at + 1);
    assert.ok(found > at, `${place} after ${faults.log[at]}`);
    at = found;
  }
});

test('a dry run changes nothing on the disk', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const before = diskDigest(root);
  const { plan, done } = await upgradeTo(root, NEW, { dryRun: true });
  assert.equal(done, false);
  assert.equal(plan.steps.length, 9);
  assert.equal(diskDigest(root), before);
});

test('the life of a node: upgrade, bless, upgrade, fall back, deny, roll back', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  await upgradeTo(root, NEW);
  renameEntry(root, 'cairn-2+3.conf', 'cairn-2+2-1.conf');
  boot(root, 'cairn-b', NEW.release);
  await assert.rejects(upgradeTo(root, NEXT), { code: 'unproven' });
  assert.equal((await bless(hostOf(root)))?.kind, 'bless');
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-2.conf']);
  assert.equal(await bless(hostOf(root)), undefined);
  assert.equal((await loadState(hostOf(root).files)).state.pending, undefined);

  await upgradeTo(root, NEXT);
  assert.deepEqual(entriesOf(root), ['cairn-2.conf', 'cairn-3+3.conf']);
  assert.equal(await whatBoots(root, ALL), '3.0');
  renameEntry(root, 'cairn-3+3.conf', 'cairn-3+0-3.conf');
  assert.equal(await whatBoots(root, ALL), '2.0');
  boot(root, 'cairn-b', NEW.release);
  const { denied } = await settle(hostOf(root));
  assert.match(denied[0]?.summary ?? '', /3\.0 has failed: none of its boots/);
  assert.deepEqual(entriesOf(root), ['cairn-2.conf']);
  const { state } = await loadState(hostOf(root).files);
  assert.equal(state.denied[0]?.version, '3.0');
  assert.equal(state.pending, undefined);
  await assert.rejects(upgradeTo(root, NEXT), { code: 'denied', message: /has failed on this node/ });
  assert.deepEqual((await settle(hostOf(root))).denied, []);

  await assert.rejects(rollback(hostOf(root), {}), { code: 'no-fallback' });
  await assert.rejects(upgradeTo(root, OLD), { code: 'downgrade', message: /1\.0 is older than 2\.0/ });
  await upgradeTo(root, OLD, { allowDowngrade: true });
  await rollback(hostOf(root), {});
  assert.deepEqual(entriesOf(root), ['cairn-2.conf'], 'what waits for its first boot is called off');
  await upgradeTo(root, NEXT, { force: true });
  assert.equal(await whatBoots(root, ALL), '3.0');
  boot(root, 'cairn-a', NEXT.release);
  await bless(hostOf(root));
  assert.deepEqual((await loadState(hostOf(root).files)).state.denied, []);
  const host = hostOf(root);
  await rollback(host, { now: true });
  assert.deepEqual(entriesOf(root), ['cairn-3.conf', 'cairn-4.conf']);
  assert.equal(await whatBoots(root, ALL), '2.0');
  assert.deepEqual(host.runs.at(-1), ['systemctl', 'reboot']);
});

test('going back from a release on trial leaves it out of the loader, and off the deny list', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' }, b: { ...NEW, entry: 'cairn-2+2-1.conf' } });
  boot(root, 'cairn-b', NEW.release);
  await rollback(hostOf(root), {});
  assert.deepEqual(entriesOf(root), ['cairn-3.conf']);
  assert.equal(await whatBoots(root, ALL), '1.0');
});

test('in recovery the slot that is not good is written, and the recovery’s files stay', async () => {
  const root = makeNode({
    a: { ...OLD, entry: 'cairn-1.conf' },
    b: { ...NEW, entry: 'cairn-2+0-3.conf' },
    recovery: { ...NEW, entry: 'cairn-recovery.conf' },
  });
  boot(root, 'cairn-recovery', NEW.release);
  const { plan } = await upgradeTo(root, NEXT);
  assert.match(plan.summary, /in cairn-b/);
  assert.equal(await whatBoots(root, ALL), '3.0');
  assert.ok(espFiles(root).includes(`EFI/cairn/${NEW.id}.efi`));
  assert.deepEqual(entriesOf(root), ['cairn-1.conf', 'cairn-3+3.conf', 'cairn-recovery.conf']);
});

const REFUSED: readonly {
  readonly name: string;
  readonly prepare?: (root: string, source: string) => void;
  readonly release?: TestRelease;
  readonly space?: number;
  readonly error: { readonly code: string; readonly message: RegExp };
}[] = [
  {
    name: 'a truncated root',
    prepare: (root, source) => truncateSync(join(root, source, 'root.erofs'), 8192),
    error: { code: 'bad-release', message: /root\.erofs has 8192 bytes instead of/ },
  },
  {
    name: 'another root of that size',
    prepare: (root, source) =>
      writeFileSync(join(root, source, 'root.erofs'), Buffer.alloc(NEW.release.root.size, 7)),
    error: { code: 'bad-release', message: /is not the root with the hash/ },
  },
  {
    name: 'a UKI with a wrong digest',
    prepare: (root, source) =>
      writeFileSync(join(root, source, 'uki.efi'), Buffer.alloc(NEW.release.uki.size)),
    error: { code: 'bad-release', message: /uki\.efi has the SHA-256/ },
  },
  {
    name: 'a folder that is no release',
    prepare: (root, source) => truncateSync(join(root, source, 'release.json'), 10),
    error: { code: 'bad-release', message: /not JSON/ },
  },
  {
    name: 'a root that is damaged inside',
    prepare: damageInside,
    error: { code: 'bad-release', message: /root\.erofs: data block 48, at byte 196608, is not what it was/ },
  },
  { name: 'the release that runs', release: OLD, error: { code: 'running', message: /1\.0 runs already/ } },
  {
    name: 'an ESP that is full',
    space: 1000,
    error: { code: 'too-large', message: /the ESP has room for 1000 B/ },
  },
  {
    name: 'a slot that is too small',
    prepare: (root) => truncateSync(join(root, 'dev/vda3'), 200 << 10),
    error: { code: 'too-large', message: /does not fit cairn-b, which has 200 KiB/ },
  },
  {
    name: 'a loader without what runs',
    prepare: (root) => renameEntry(root, 'cairn-1.conf', 'other.conf'),
    error: { code: 'unfit', message: /no entry of the release that runs/ },
  },
  {
    name: 'a lock that is held',
    prepare: (root) => writeFileSync(join(root, 'run/cairn/lock'), '77 5000 rollback\n'),
    error: { code: 'locked', message: /process 77 \(cairn rollback\) is changing this node/ },
  },
];

for (const { name, prepare, release = NEW, space, error } of REFUSED) {
  test(`${name} is refused, and nothing on the disk is changed`, async () => {
    const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
    const source = sourceIn(root, release);
    prepare?.(root, source);
    const before = diskDigest(root);
    const host = space === undefined ? hostOf(root) : withSpace(hostOf(root), space);
    await assert.rejects(
      upgrade(host, async () => folderSource(source), {}),
      error,
    );
    assert.equal(diskDigest(root), before);
  });
}

/** What makes it doubtful which disk is meant. */
const AMBIGUOUS: readonly (readonly [string, (root: string) => void, RegExp])[] = [
  [
    'another disk that is a copy',
    (root) => {
      cpSync(join(root, 'dev/vda'), join(root, 'dev/vdb'));
      mkdirSync(join(root, 'sys/class/block/vdb'));
    },
    /\/dev\/vdb is a copy of \/dev\/vda: both have the partition ESP/,
  ],
  [
    'a loader from another disk',
    (root) => {
      const folder = join(root, 'sys/firmware/efi/efivars');
      mkdirSync(folder, { recursive: true });
      const value = Buffer.from('FFFFFFFF-0000-4000-8000-000000000000\0', 'utf16le');
      const name = 'LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
      writeFileSync(join(folder, name), Buffer.concat([Buffer.alloc(4, 6), value]));
    },
    /loader was started from the partition ffffffff-0000-.*, the root is on \/dev\/vda/,
  ],
];

for (const [name, prepare, message] of AMBIGUOUS) {
  test(`${name}: refused, and nothing on the disk is changed`, async () => {
    const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
    prepare(root);
    const before = diskDigest(root);
    await assert.rejects(upgradeTo(root, NEW), { code: 'ambiguous', message });
    assert.equal(diskDigest(root), before);
  });
}

test('a slot that is in use is refused, and nothing on the disk is changed', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const before = diskDigest(root);
  const host = hostOf(root);
  const busy: typeof host.files.open = async (path, mode) => {
    if (mode === 'exclusive') throw new HostError('busy', `cannot open ${path}: it is in use`);
    return host.files.open(path, mode);
  };
  const held = { ...host, files: { ...host.files, open: busy } };
  await assert.rejects(upgradeTo(root, NEW, {}, held), {
    code: 'busy',
    message: /\/dev\/vda3: it is in use/,
  });
  assert.equal(diskDigest(root), before);
});

test('a wrong architecture is refused', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const source = sourceIn(root, NEW);
  const path = join(root, source, 'release.json');
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('"architecture": "amd64"', '"architecture": "arm64"'),
  );
  const before = diskDigest(root);
  await assert.rejects(
    upgrade(hostOf(root), async () => folderSource(source), {}),
    {
      code: 'wrong-architecture',
      message: /for arm64, this node is amd64/,
    },
  );
  assert.equal(diskDigest(root), before);
});

test('a lock of a process that is gone is taken over', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  writeFileSync(join(root, 'run/cairn/lock'), '78 5000 upgrade\n');
  await upgradeTo(root, NEW);
  assert.equal(await whatBoots(root, ALL), '2.0');
});

/** Flips a bit of the release's root, in its data block 48. */
function damageInside(root: string, source: string): void {
  const path = join(root, source, 'root.erofs');
  const bytes = readFileSync(path);
  bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test('a root that is damaged on its way to the slot is found when it is read back, and is not bootable', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const source = sourceIn(root, NEW);
  damageInside(root, source);
  await assert.rejects(
    upgrade(hostOf(root), async () => ({ ...folderSource(source), madeHere: true }), {}),
    {
      code: 'not-verified',
      message: /read back from cairn-b .* data block 48/,
    },
  );
  assert.deepEqual(entriesOf(root), ['cairn-1.conf']);
  assert.equal(await whatBoots(root, ALL), '1.0');
  const { state } = await loadState(hostOf(root).files);
  assert.equal(state.actions.at(-1)?.result, 'failed');
  await upgradeTo(root, NEW);
  assert.equal(await whatBoots(root, ALL), '2.0');
});

test('an abort before the commit ends the upgrade, and leaves the node as it was', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' } });
  const abort = new AbortController();
  const reason = new HostError('killed', 'enough');
  const onProgress = ({ phase }: { readonly phase: string }) => {
    if (phase === 'verify') abort.abort(reason);
  };
  await assert.rejects(upgradeTo(root, NEW, { signal: abort.signal, onProgress }), reason);
  assert.equal(await whatBoots(root, ALL), '1.0');
  assert.deepEqual(entriesOf(root), ['cairn-1.conf']);
});
