import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { sliceSource } from '@cairn/bytes';
import { encodeGpt, type Gpt, openFat32, parseGpt, verifyVerity } from '@cairn/disk';
import { type Host, HostError, type OpenFile, realFiles } from '@cairn/host';
import { writeDisk } from '@cairn/release';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import { type InstallOptions, install } from '../src/install/install.ts';
import { planInstall } from '../src/install/layout.ts';
import { parseEntry } from '../src/loader/entry.ts';
import { makeRelease, type TestRelease } from './upgrade-node.ts';

const CONFIG =
  '#cloud-config\nhostname: installed\ninstall: { auto: true, extra-partitions: [{ name: data, size: 8 }] }\n';
const DISK_SIZE = 8 * 2 ** 30;
const FOLDER = mkdtempSync(join(tmpdir(), 'cairn-installed-'));
const LOADER = '/usr/lib/cairn/lib/ld-linux-x86-64.so.2';

let release: TestRelease;
let iso: string;

before(async () => {
  release = await makeRelease('1.0');
  iso = join(FOLDER, 'disk.iso');
  const doors = { files: realFiles() };
  await writeDisk(release.folder, doors, {
    format: 'iso',
    out: iso,
    config: new TextEncoder().encode(CONFIG),
  });
});

after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** A live system with an empty disk, /dev/vda, as a folder; the programs that make something are the real ones. */
function liveMachine(wrap: (host: Host) => Host = (host) => host) {
  const root = mkdtempSync(join(FOLDER, 'machine-'));
  const put = (path: string, content: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  put('/proc/self/mountinfo', '');
  put('/proc/self/stat', `77 (node) S ${'0 '.repeat(18)}5000 0\n`);
  put(
    '/run/cairn/boot.json',
    JSON.stringify({ formatVersion: 1, rootHash: '', slot: 'live', disk: '/dev/sr0', problems: [] }),
  );
  put('/dev/vda', '');
  truncateSync(join(root, '/dev/vda'), DISK_SIZE);
  symlinkSync(iso, join(root, '/dev/sr0'));
  put('/sys/devices/pci0/block/vda/size', `${DISK_SIZE / 512}\n`);
  put('/sys/devices/pci0/block/vda/queue/logical_block_size', '512\n');
  mkdirSync(join(root, '/sys/class/block'), { recursive: true });
  symlinkSync('../../devices/pci0/block/vda', join(root, '/sys/class/block/vda'));
  const host = wrap(fakeHost({ root, programs: programsOf(root) }));
  return { root, host, device: join(root, '/dev/vda') };
}

function programsOf(root: string): Readonly<Record<string, FakeProgram>> {
  return {
    [LOADER]: async ([, , , path = '', ...args]) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (name === 'mke2fs') {
        const real = args.map((each) => (each.startsWith('/') ? join(root, each) : each));
        const { status, stderr } = spawnSync('mke2fs', real, { encoding: 'utf8' });
        return { exitCode: status ?? 1, stderr };
      }
      if (args[0] === '--rereadpt') await showPartitions(root);
      return {};
    },
    // The file system is looked into by the test, by others' tools.
    mount: (argv) => {
      const target = argv.at(-1) ?? '';
      if (target.endsWith('COS_OEM')) {
        writeFileSync(join(root, target, '90_custom.yaml'), fileIn(join(root, '/dev/vda'), root, 'COS_OEM'));
      }
      return {};
    },
    umount: () => ({}),
  };
}

async function showPartitions(root: string): Promise<void> {
  const table = await tableOf(join(root, '/dev/vda'));
  for (const [index, { start }] of (table?.partitions ?? []).entries()) {
    const folder = join(root, `/sys/devices/pci0/block/vda/vda${index + 1}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'start'), `${start / 512}\n`);
  }
}

async function tableOf(device: string): Promise<Gpt | undefined> {
  await using file = await realFiles().open(device, 'read');
  try {
    return await parseGpt(file);
  } catch {
    return undefined;
  }
}

/** debugfs(8) takes no offset: the partition as a file of its own. */
function partitionFile(device: string, place: { readonly start: number; readonly size: number }): string {
  const out = `${device}.part`;
  execFileSync('dd', [
    `if=${device}`,
    `of=${out}`,
    'bs=1M',
    `skip=${place.start / 2 ** 20}`,
    `count=${place.size / 2 ** 20}`,
    'conv=sparse',
    'status=none',
  ]);
  return out;
}

function fileIn(device: string, root: string, _label: string): string {
  // OEM begins behind ESP and three slots of 2 GiB.
  const start = 2 ** 20 + 2 ** 30 + 3 * 2 * 2 ** 30;
  const part = partitionFile(device, { start, size: 64 * 2 ** 20 });
  assert.ok(existsSync(join(root, '/dev/vda')));
  return execFileSync('debugfs', ['-R', 'cat /90_custom.yaml', part], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Whether firmware, loader and initrd would find a whole system, as far as the disk says. */
async function judge(device: string): Promise<'nothing' | 'whole'> {
  const table = await tableOf(device);
  if (table === undefined) return 'nothing';
  await using disk = await realFiles().open(device, 'read');
  const place = (label: string) => {
    const found = table.partitions.find((partition) => partition.label === label);
    assert.ok(found !== undefined, label);
    return sliceSource(disk, found.start, found.size);
  };
  const esp = await openFat32(place('ESP'));
  for (const entry of ['cairn-1.conf', 'cairn-recovery.conf']) {
    const text = await esp.open(`loader/entries/${entry}`);
    const bytes = new Uint8Array(text.size);
    await text.read(0, bytes);
    assert.equal(parseEntry(bytes).efi, `/EFI/cairn/${release.id}.efi`);
  }
  assert.equal((await esp.open(`EFI/cairn/${release.id}.efi`)).size, release.release.uki.size);
  const { rootHash, hashOffset, size } = release.release.root;
  for (const label of ['cairn-a', 'cairn-recovery']) {
    await verifyVerity(sliceSource(place(label), 0, size), rootHash, { hashOffset });
  }
  const oem = table.partitions.find(({ label }) => label === 'COS_OEM');
  assert.ok(oem !== undefined);
  execFileSync('e2fsck', ['-f', '-n', partitionFile(device, oem)], { stdio: 'ignore' });
  return 'whole';
}

const run = (host: Host, options: InstallOptions = {}) => install(host, options);

suite('an installation', () => {
  test('makes a disk that others’ tools find whole', async () => {
    const { host, device, root } = liveMachine();
    const warnings: string[] = [];
    const phases = new Set<string>();
    const { plan, done } = await run(host, {
      onWarning: (warning) => warnings.push(warning),
      onProgress: ({ phase }) => phases.add(phase),
    });
    assert.ok(done);
    assert.equal(await judge(device), 'whole');
    assert.match(execFileSync('sgdisk', ['-v', device], { encoding: 'utf8' }), /No problems found/);
    const table = await tableOf(device);
    assert.deepEqual(
      table?.partitions.map(({ label }) => label),
      ['ESP', 'cairn-a', 'cairn-b', 'cairn-recovery', 'COS_OEM', 'data', 'COS_PERSISTENT'],
    );
    const esp = table?.partitions[0];
    assert.ok(esp !== undefined);
    execFileSync('fsck.fat', ['-n', partitionFile(device, esp)], { stdio: 'ignore' });
    assert.equal(fileIn(device, root, 'COS_OEM'), CONFIG);
    const listing = execFileSync(
      'debugfs',
      ['-R', 'ls -l /', partitionFile(device, table?.partitions[4] ?? esp)],
      {
        encoding: 'utf8',
      },
    );
    assert.match(listing, /100600 .* 0 +0 .*90_custom\.yaml/, 'it may hold secrets');
    assert.match(warnings.join(), /the firmware was not told/, 'there are no EFI variables here');
    assert.ok(phases.has('verify cairn-recovery') && phases.has('write cairn-a'));
    assert.equal(plan?.lost, undefined);
    assert.ok(!existsSync(join(root, '/run/cairn/lock')) && !existsSync(join(root, '/run/cairn/install')));
  });

  test('that is only looked at changes nothing', async () => {
    const { host, device } = liveMachine();
    const { plan, done } = await run(host, { dryRun: true });
    assert.equal(done, false);
    assert.equal(await judge(device), 'nothing');
    assert.equal(execFileSync('du', ['-k', device], { encoding: 'utf8' }).split('\t')[0], '0');
    assert.deepEqual(
      plan?.steps.map(({ step }) => step),
      [
        'wipe-disk',
        'write-esp',
        'write-root',
        'write-root',
        'make-file-system',
        'make-file-system',
        'make-file-system',
        'verify-esp',
        'verify-root',
        'verify-root',
        'write-table',
        'check-file-systems',
        'add-boot-option',
      ],
    );
  });

  test('is done unasked only where the configuration says so, and called off where a person says no', async () => {
    const { host, device } = liveMachine();
    const config = new TextEncoder().encode('install: { device: auto }');
    assert.equal((await run(host, { onlyIfAuto: true, config })).plan, undefined);
    assert.equal((await run(host, { confirm: async () => false })).done, false);
    assert.equal(await judge(device), 'nothing');
    assert.ok((await run(host, { onlyIfAuto: true, dryRun: true })).plan !== undefined);
  });

  test('of a folder takes the release that is there', async () => {
    const { host, device, root } = liveMachine();
    symlinkSync(release.folder, join(root, 'release'));
    await run(host, { source: '/release' });
    assert.equal(await judge(device), 'whole');
  });
});

/** Files whose writes to the disk fail from one on: as when the power goes, but for what was not flushed. */
function cutAfter(writes: number, count: { done: number }): (host: Host) => Host {
  return (host) => ({
    ...host,
    files: {
      ...host.files,
      async open(path, mode) {
        const file = await host.files.open(path, mode);
        if (path !== '/dev/vda' || mode === 'read') return file;
        const write: OpenFile['write'] = (position, chunk) => {
          if (count.done++ >= writes) throw new HostError('io', `cannot write to ${path}: cut`);
          return file.write(position, chunk);
        };
        return new Proxy(file, {
          get: (target, key) => (key === 'write' ? write : Reflect.get(target, key)),
        });
      },
    },
  });
}

suite('an installation that is cut', () => {
  test('leaves a disk that boots nothing, or all of it; and is begun again', async () => {
    const count = { done: 0 };
    await run(liveMachine(cutAfter(Number.POSITIVE_INFINITY, count)).host);
    const total = count.done;
    assert.ok(total > 20, `${total} writes`);
    const seen = new Set<string>();
    // The last three are the table's.
    const cuts = [0, 1, 2, 5, 10, Math.floor(total / 2), total - 4, total - 3, total - 2, total - 1];
    for (const cut of cuts) {
      const machine = liveMachine(cutAfter(cut, { done: 0 }));
      await assert.rejects(run(machine.host), /cut/);
      seen.add(await judge(machine.device));
      const again = fakeHost({ root: machine.root, programs: programsOf(machine.root) });
      // It is named now: a disk that is not empty is not taken unasked.
      await run(again, { device: '/dev/vda' });
      assert.equal(await judge(machine.device), 'whole', `after a cut at write ${cut}`);
      rmSync(machine.root, { recursive: true, force: true });
    }
    assert.ok(seen.has('nothing'));
  });

  test('on a disk with another system leaves that one’s table, or none', async () => {
    for (const cut of [0, 1, 2]) {
      const machine = liveMachine(cutAfter(cut, { done: 0 }));
      const disk = { device: '/dev/vda', size: DISK_SIZE, sectorSize: 512 };
      const old = planInstall({ disk, release: release.release, seed: 'old' });
      const handle = openSync(machine.device, 'r+');
      for (const { position, bytes } of Object.values(encodeGpt(old.layout)))
        writeSync(handle, bytes, 0, bytes.length, position);
      closeSync(handle);
      await assert.rejects(run(machine.host, { device: '/dev/vda' }), /cut/);
      const left = await tableOf(machine.device);
      if (left !== undefined) assert.equal(left.diskUuid, old.layout.diskUuid);
      assert.equal(left === undefined, cut === 2, `after ${cut} writes`);
    }
  });

  test('that finds the disk to have changed what was written makes no table', async () => {
    const machine = liveMachine();
    const handle = openSync(machine.device, 'r+');
    let flipped = false;
    const host: Host = {
      ...machine.host,
      programs: {
        ...machine.host.programs,
        async run(argv, options) {
          // Before anything is read back, one bit of the recovery slot is another.
          if (argv.includes('--flushbufs') && !flipped) {
            flipped = true;
            const at = 2 ** 20 + 2 ** 30 + 2 * 2 * 2 ** 30 + 100_000;
            const byte = new Uint8Array(1);
            readSync(handle, byte, 0, 1, at);
            writeSync(handle, Uint8Array.of((byte[0] ?? 0) ^ 1), 0, 1, at);
          }
          return machine.host.programs.run(argv, options);
        },
      },
    };
    await assert.rejects(run(host), {
      code: 'not-verified',
      message: /read back from cairn-recovery on \/dev\/vda/,
    });
    closeSync(handle);
    assert.equal(await judge(machine.device), 'nothing');
  });
});
