import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { encodeGpt } from '@cairn/disk';
import { realFiles } from '@cairn/host';
import { diskSizes, smallestDiskSize } from '@cairn/release';
import { type FakeProgram, fakeHost } from '@cairn/testkit';
import fc from 'fast-check';
import { AgentError } from '../src/error.ts';
import { chooseDisk } from '../src/install/choose.ts';
import { readDisks } from '../src/install/disks.ts';
import { minimalDiskSize, type PartitionWishes, planInstall } from '../src/install/layout.ts';
import { contentOf } from '../src/install/signatures.ts';
import { type FakeDisk, GIB, link, MIB, machineWith } from './install-machine.ts';

const MINIMAL = 8 * GIB;

interface Machine {
  readonly disks: Readonly<Record<string, FakeDisk>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly programs?: Readonly<Record<string, FakeProgram>>;
  readonly prepare?: (root: string) => void;
}

async function choose({ disks, files, device = 'auto', programs = {}, prepare }: Machine): Promise<string> {
  const root = machineWith(disks, files);
  prepare?.(root);
  const host = fakeHost({ root, programs });
  return (await chooseDisk(host, { device, minimalSize: MINIMAL })).device;
}

const EMPTY: FakeDisk = {};
const MBR: FakeDisk = { content: [[510, '\x55\xaa']] };
const mounted = (device: string, source: string) => ({
  '/proc/self/mountinfo': `20 1 ${device} / /data rw - ext4 ${source} rw\n`,
});
const prints =
  (stdout: string): FakeProgram =>
  () => ({ stdout });

describe('the disk that is taken', () => {
  const CASES: Readonly<Record<string, readonly [Machine, string]>> = {
    'the only one': [{ disks: { vda: EMPTY } }, '/dev/vda'],
    'the largest': [{ disks: { sda: EMPTY, sdb: { size: 40 * GIB }, sdc: EMPTY } }, '/dev/sdb'],
    'of two as large the first': [{ disks: { sdb: EMPTY, sda: EMPTY, sdaa: EMPTY } }, '/dev/sda'],
    'numbers count as numbers': [{ disks: { nvme10n1: EMPTY, nvme2n1: EMPTY } }, '/dev/nvme2n1'],
    'not the larger one with a table': [
      { disks: { sda: { ...MBR, size: 40 * GIB }, sdb: EMPTY } },
      '/dev/sdb',
    ],
    'not a removable one': [{ disks: { sda: { removable: true }, sdb: { size: 9 * GIB } } }, '/dev/sdb'],
    'not one of the kernel’s own': [
      {
        disks: {
          'dm-0': { virtual: true, size: 90 * GIB },
          loop0: { virtual: true, size: 90 * GIB },
          md0: { virtual: true, size: 90 * GIB },
          zram0: { virtual: true, size: 90 * GIB },
          sr0: { size: 90 * GIB },
          mmcblk0boot0: { size: 90 * GIB },
          mmcblk0: EMPTY,
        },
      },
      '/dev/mmcblk0',
    ],
    'not one that is mounted': [
      { disks: { sda: EMPTY, sdb: { size: 9 * GIB } }, files: mounted('8:0', '/dev/sda') },
      '/dev/sdb',
    ],
    'by a link': [
      {
        disks: { sda: EMPTY, sdb: EMPTY },
        device: '/dev/disk/by-id/ata-B',
        prepare: (root) => link(root, '/dev/disk/by-id/ata-B', '../../sdb'),
      },
      '/dev/sdb',
    ],
    'named, with data on it': [{ disks: { sda: MBR, sdb: EMPTY }, device: '/dev/sda' }, '/dev/sda'],
    'named, and removable': [{ disks: { sda: { removable: true } }, device: '/dev/sda' }, '/dev/sda'],
    'named, of an old controller': [
      { disks: { 'cciss!c0d0': EMPTY }, device: '/dev/cciss/c0d0' },
      '/dev/cciss/c0d0',
    ],
    'by a script': [
      {
        disks: { sda: EMPTY, sdb: MBR },
        device: 'script:///oem/pick',
        programs: { '/oem/pick': prints('\n /dev/sdb \n') },
      },
      '/dev/sdb',
    ],
  };
  for (const [name, [machine, device]] of Object.entries(CASES)) {
    test(name, async () => assert.equal(await choose(machine), device));
  }
});

describe('no disk, and why', () => {
  const swap = { '/proc/swaps': 'Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n' };
  const CASES: Readonly<Record<string, readonly [Machine, string, RegExp]>> = {
    none: [{ disks: { loop0: { virtual: true } } }, 'no-disk', /there is no disk to install on/],
    'each with its reason': [
      {
        disks: {
          sda: MBR,
          sdb: { removable: true },
          sdc: { size: GIB },
          sdd: { readOnly: true },
          sde: { sectorSize: 520 },
          sdf: { content: [[500_000, 'x']] },
          sdg: { content: [[-1, 'x']] },
          sdh: { holders: { sdh: 'dm-3' } },
          sdi: { content: undefined },
        },
      },
      'no-disk',
      new RegExp(
        [
          'taken unasked: /dev/sda \\(20\\.0 GiB\\) holds a partition table or boot code \\(MBR\\)',
          '/dev/sdb .* is removable',
          '/dev/sdc .* is too small: 8\\.0 GiB are needed',
          '/dev/sdd .* cannot be written to',
          '/dev/sde .* has sectors of 520 bytes',
          '/dev/sdf .* holds data of an unknown kind',
          '/dev/sdg .* holds data of an unknown kind',
          '/dev/sdh .* is in use: /dev/dm-3 lies on /dev/sdh',
          '/dev/sdi .* holds what cannot be read',
        ].join('; '),
      ),
    ],
    'named, and a partition of it is mounted': [
      { disks: { sda: { partitions: 2 } }, files: mounted('8:2', '/dev/mapper/x'), device: '/dev/sda' },
      'disk-in-use',
      /\/dev\/sda is in use: \/dev\/sda2 is mounted at \/data/,
    ],
    'named, and mounted as Btrfs': [
      { disks: { sda: { partitions: 1 } }, files: mounted('0:40', '/dev/sda1'), device: '/dev/sda' },
      'disk-in-use',
      /\/dev\/sda1 is mounted at \/data/,
    ],
    'named, and swapped to': [
      { disks: { sda: { partitions: 2 } }, files: swap, device: '/dev/sda' },
      'disk-in-use',
      /\/dev\/sda2 is swap space in use/,
    ],
    'named, and the running system is on it': [
      { disks: { sda: { partitions: 1, holders: { sda1: 'dm-0' } } }, device: '/dev/sda' },
      'disk-in-use',
      /\/dev\/dm-0 lies on \/dev\/sda1/,
    ],
    'named, and a loop device is on it': [
      { disks: { sda: EMPTY, loop0: { virtual: true, loop: '/dev/sda' } }, device: '/dev/sda' },
      'disk-in-use',
      /\/dev\/loop0 lies on \/dev\/sda/,
    ],
    'named, and too small': [
      { disks: { sda: { size: 4 * GIB } }, device: '/dev/sda' },
      'disk-too-small',
      /\/dev\/sda has 4\.0 GiB: the partitions need 8\.0 GiB/,
    ],
    'named, and read-only': [
      { disks: { sda: { readOnly: true } }, device: '/dev/sda' },
      'disk-unfit',
      /cannot be written to/,
    ],
    'a partition': [
      { disks: { sda: { partitions: 1 } }, device: '/dev/sda1' },
      'no-disk',
      /\/dev\/sda1 is a partition: a system is installed on a whole disk/,
    ],
    'nothing of that name': [
      { disks: { sda: EMPTY }, device: '/dev/sdz' },
      'no-disk',
      /there is no disk \/dev\/sdz/,
    ],
    'not a device': [{ disks: { sda: EMPTY }, device: '/etc/passwd' }, 'no-disk', /no disk \/etc\/passwd/],
    'a link to itself': [
      { disks: { sda: EMPTY }, device: '/dev/a', prepare: (root) => link(root, '/dev/a', 'a') },
      'no-disk',
      /no disk \/dev\/a/,
    ],
    'a script that fails': [
      {
        disks: { sda: EMPTY },
        device: 'script:///x/pick',
        programs: { '/x/pick': () => ({ exitCode: 3, stderr: 'a\nnone fits\n' }) },
      },
      'script-failed',
      /pick, which is to name the disk, ended with 3: none fits/,
    ],
    'a script that prints two': [
      {
        disks: { sda: EMPTY },
        device: 'script:///x/pick',
        programs: { '/x/pick': prints('/dev/sda\n/dev/sdb\n') },
      },
      'script-failed',
      /print the path of one disk, and printed "\/dev\/sda\\n\/dev\/sdb\\n"/,
    ],
    'a script that prints a word': [
      { disks: { sda: EMPTY }, device: 'script:///x/pick', programs: { '/x/pick': prints('sda') } },
      'script-failed',
      /printed "sda"/,
    ],
    'a script without a whole path': [
      { disks: { sda: EMPTY }, device: 'script://pick' },
      'bad-request',
      /names no script by a whole path/,
    ],
  };
  for (const [name, [machine, code, message]] of Object.entries(CASES)) {
    test(name, async () => {
      await assert.rejects(choose(machine), (error) => {
        assert.ok(error instanceof AgentError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

test('facts of a disk', async () => {
  const root = machineWith({ vda: { partitions: 1, sectorSize: 4096, size: 3 * GIB } });
  assert.deepEqual(await readDisks(fakeHost({ root }).files), [
    {
      name: 'vda',
      device: '/dev/vda',
      size: 3 * GIB,
      sectorSize: 4096,
      isPhysical: true,
      isRemovable: false,
      isReadOnly: false,
      model: 'A DISK',
      user: undefined,
      content: undefined,
    },
  ]);
});

test('the disks of this machine are read', async () => {
  const disks = await readDisks(realFiles());
  for (const { name, isPhysical } of disks) {
    assert.equal(isPhysical && /^(?:loop|ram|zram|dm-|md)/.test(name), false, name);
  }
});

test('what the usual tools write is seen as what it is', async (context) => {
  const path = join(scratch(context), 'disk');
  const tools: readonly (readonly [string, RegExp])[] = [
    ['mkfs.ext4 -q -F', /an ext file system/],
    ['mkfs.fat -F 32', /a FAT file system/],
    ['mkfs.fat -F 16', /a FAT file system/],
    ['mkswap', /swap space/],
    ['sgdisk -o', /a partition table \(GPT\)/],
    ['xorriso -as mkisofs -quiet -r /etc/apt -o', /an ISO image/],
    [
      'cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /etc/os-release',
      /LUKS/,
    ],
  ];
  for (const [command, what] of tools) {
    const [program = '', ...args] = command.split(' ');
    emptyDisk(path, 128 * MIB);
    execFileSync(program, [...args, path], {
      stdio: 'pipe',
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    });
    assert.match((await contentAt(path)) ?? '', what, command);
  }
  emptyDisk(path, 128 * MIB);
  assert.equal(await contentAt(path), undefined);
});

describe('the partitions', () => {
  const release = { slotSize: 2 * GIB, architecture: 'amd64' } as const;
  const plan = (size: number, wishes?: PartitionWishes, sectorSize = 512) =>
    planInstall({ disk: { device: '/dev/vda', size, sectorSize }, release, seed: 'one', wishes });

  test('are those of the disk layout', () => {
    const size = 20 * GIB + 512 * 7;
    const { layout, persistent } = plan(size);
    assert.deepEqual(
      layout.partitions.map(({ label, size }) => [label, size / MIB]),
      [
        ['ESP', 1024],
        ['cairn-a', 2048],
        ['cairn-b', 2048],
        ['cairn-recovery', 2048],
        ['COS_OEM', 64],
        ['COS_PERSISTENT', 20 * 1024 - 7168 - 64 - 2],
      ],
    );
    assert.equal(persistent.type, '0fc63daf-8483-4772-8e79-3d69d8477de4');
    assert.equal(layout.partitions[1]?.type, '4f68bce3-e8cd-4db1-96e7-fbcaf984b709');
    assert.equal(new Set(layout.partitions.map(({ uuid }) => uuid)).size, 6);
    assert.equal(layout.size, size);
  });

  test('are on the smallest disk that there may be, and not on a smaller one', () => {
    const smallest = smallestDiskSize(release.slotSize);
    assert.equal(minimalDiskSize(release.slotSize), smallest);
    assert.equal(plan(smallest).persistent.size, diskSizes(release.slotSize).persistent);
    assert.throws(() => plan(smallest - 512), { code: 'disk-too-small' });
  });

  test('of a configuration', () => {
    const wishes = { oem: 128 * MIB, persistent: GIB, extra: [{ label: 'data', size: 3 * GIB + 1 }] };
    const { oem, extra, persistent } = plan(20 * GIB, wishes);
    assert.deepEqual([oem.size, persistent.size], [128 * MIB, GIB]);
    assert.deepEqual(
      extra.map(({ label, size }) => [label, size]),
      [['data', 3 * GIB + MIB]],
    );
    assert.ok(extra[0] !== undefined && extra[0].start < persistent.start);
    assert.equal(plan(20 * GIB, { persistent: 0 }).persistent.size, plan(20 * GIB).persistent.size);
    const bad: readonly PartitionWishes[] = [
      { oem: 5 },
      { persistent: -1 },
      { extra: [{ label: 'COS_OEM', size: GIB }] },
      { extra: [{ label: '', size: GIB }] },
      { extra: [{ label: 'x', size: Number.NaN }] },
      {
        extra: [
          { label: 'x', size: GIB },
          { label: 'x', size: GIB },
        ],
      },
    ];
    for (const wishes of bad) assert.throws(() => plan(20 * GIB, wishes), { code: 'bad-request' });
  });

  test('have other ids on another disk', () => {
    const other = planInstall({
      disk: { device: '/dev/vda', size: 20 * GIB, sectorSize: 512 },
      release,
      seed: 'two',
    });
    assert.notEqual(other.layout.diskUuid, plan(20 * GIB).layout.diskUuid);
    assert.notEqual(other.esp.uuid, plan(20 * GIB).esp.uuid);
  });

  test('are taken by sgdisk, for any size', async (context) => {
    const path = join(scratch(context), 'disk');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 22 }), fc.constantFrom(512, 4096), (more, sectorSize) => {
        const size = Math.ceil(smallestDiskSize(release.slotSize) / 4096) * 4096 + more * 4096;
        const { layout } = plan(size, {}, sectorSize);
        if (sectorSize !== 512) return;
        emptyDisk(path, size);
        const file = openSync(path, 'r+');
        for (const { position, bytes } of Object.values(encodeGpt(layout))) {
          writeSync(file, bytes, 0, bytes.length, position);
        }
        closeSync(file);
        assert.match(
          execFileSync('/usr/sbin/sgdisk', ['-v', path], { encoding: 'utf8' }),
          /No problems found/,
        );
      }),
      { numRuns: 20 },
    );
  });
});

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-install-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function emptyDisk(path: string, size: number): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, size);
  closeSync(file);
}

async function contentAt(path: string): Promise<string | undefined> {
  await using file = await realFiles().open(path, 'read');
  return await contentOf(file);
}
