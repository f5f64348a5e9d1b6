import assert from 'node:assert/strict';
import { copyFile, link, mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PARTITION_TYPE, parseGpt } from '@cairn/disk';
import { realHost, runChecked } from '@cairn/host';
import { RELEASE_FILES } from '@cairn/release';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { carryReleases } from '../support/carrier.ts';
import { ensureImage } from '../support/images.ts';
import { logIn, startNode, temporaryFolder } from '../support/node.ts';
import { varyTar } from '../support/variants.ts';

/**
 * What is wrong is told in a sentence, with an exit code that is not 0, and nothing on the disk is changed: the partition table, ESP,
 * slots and OEM are compared byte for byte, as they are on the disk and not as the guest has them in memory.
 */
const host = realHost();
const AGENT_LIMIT_MS = 300_000;
const { description, root, uki } = RELEASE_FILES;
const MIB = 1 << 20;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let disk: string;
let blank: string;
let machine: Machine;
let guest: Guest;
/** A block of the good release's root, on the disk that carries it. */
let failingBlock: number;
/** Where on the disk nothing may change: start and size in bytes, by the partition's label. */
let regions: readonly (readonly [name: string, start: number, size: number])[];

/** Makes a file of a release another one. */
type Damage = (path: string) => Promise<void>;

const changeText =
  (from: string | RegExp, to: string): Damage =>
  async (path) => {
    const text = await readFile(path, 'utf8');
    assert.notEqual(text.replace(from, to), text);
    await writeFile(path, text.replace(from, to));
  };

const flipByte =
  (position: number): Damage =>
  async (path) => {
    await using file = await open(path, 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, position);
  };

/** Releases in folders of these names, with one file that is not as it was. */
const DAMAGED: Readonly<Record<string, readonly [file: string, damage: Damage]>> = {
  'root-cut-short': [root, (path) => truncate(path, 50 * MIB)],
  'root-damaged': [root, flipByte(40 * MIB)],
  'uki-damaged': [uki, flipByte(5 * MIB)],
  'description-cut-short': [description, (path) => truncate(path, 200)],
  'other-digest': [description, changeText(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${'0'.repeat(64)}"`)],
  'other-architecture': [description, changeText('"architecture": "amd64"', '"architecture": "arm64"')],
};

async function makeDamaged(): Promise<void> {
  for (const [name, [damaged, damage]] of Object.entries(DAMAGED)) {
    await mkdir(join(folder.path, name));
    for (const file of Object.values(RELEASE_FILES)) {
      const [from, to] = [join(folder.path, 'good', file), join(folder.path, name, file)];
      await (file === damaged ? copyFile(from, to) : link(from, to));
    }
    await damage(join(folder.path, name, damaged));
  }
}

/** A release with a root that no slot of the node has room for. */
async function makeLarge(): Promise<void> {
  const tar = join(folder.path, 'large.tar');
  const content = Buffer.alloc(128 * MIB, 'large');
  await varyTar(host, await ensureImage(host, 'debian-13'), { '/usr/share/large': { content } }, tar);
  const large = await buildRelease(host, { tar }, join(folder.path, 'large'), { args: ['--version', '2'] });
  await host.files.remove(large);
  await host.files.remove(tar);
}

/** Where on a disk with ext4 a block of a file is, counted in blocks of 4 KiB: debugfs(8). */
async function blockOf(carrier: string, file: string, block: number): Promise<number> {
  return Number(await runChecked(host.programs, ['debugfs', '-R', `bmap ${file} ${block}`, carrier]));
}

before(async () => {
  folder = await temporaryFolder();
  disk = await buildRelease(host, 'debian-13', join(folder.path, 'old'), {
    args: ['--slot-size', '512M', '--version', '1'],
  });
  const good = await buildRelease(host, 'debian-13', join(folder.path, 'good'), { args: ['--version', '2'] });
  await host.files.remove(good);
  await makeDamaged();
  await makeLarge();
  const carrier = await carryReleases(host, folder.path, ['good', 'large', ...Object.keys(DAMAGED)]);
  failingBlock = await blockOf(carrier, `/good/${root}`, 10_000);
  // As large as the node's disk, of which it is to become a copy.
  blank = join(folder.path, 'blank.raw');
  await writeFile(blank, '');
  await truncate(blank, (await host.files.stat(disk))?.size ?? 0);
  machine = await startNode(disk, {
    disks: [{ path: disk, access: 'direct' }, { path: carrier }, { path: blank, access: 'direct' }],
  });
  guest = await logIn(machine);
  await guest.output('mkdir /run/releases && mount -o ro /dev/vdb /run/releases && sync');
  await using file = await host.files.open(disk, 'read');
  const { partitions } = await parseGpt(file);
  const kept = partitions.filter(({ label }) => label !== 'COS_PERSISTENT');
  assert.deepEqual(
    kept.map(({ label }) => label),
    ['ESP', 'cairn-a', 'cairn-b', 'cairn-recovery', 'COS_OEM'],
  );
  assert.equal(kept[0]?.type, PARTITION_TYPE.esp);
  regions = [
    ['the partition table', 0, MIB],
    ...kept.map(({ label, start, size }) => [label, start, size] as const),
  ];
});

after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** Compares what the disk has, byte for byte, with what it had. */
async function assertUnchanged(): Promise<void> {
  const changed: string[] = [];
  for (const [name, start, size] of regions) {
    const { exitCode, stdout } = await host.programs.run([
      'cmp',
      `--ignore-initial=${start}`,
      `--bytes=${size}`,
      join(folder.path, 'before.raw'),
      disk,
    ]);
    if (exitCode !== 0) changed.push(`${name}: ${stdout}`);
  }
  assert.deepEqual(changed, []);
}

interface Mistake {
  readonly name: string;
  /** What makes it one, in the guest. */
  readonly prepare?: string | (() => string);
  readonly command: string;
  readonly says: RegExp;
  /** Takes it back. */
  readonly mend?: string;
}

const upgradeFrom = (release: string) => `cairn upgrade /run/releases/${release}`;
const installTo = (device: string, more = '') =>
  `cairn install --source /run/releases/good --device ${device} --unattended ${more}`;
const ON_ESP = 'mkdir -p /run/esp && mount -t vfat /dev/vda1 /run/esp';

const MISTAKES: readonly Mistake[] = [
  {
    name: 'a release whose root is cut short',
    command: upgradeFrom('root-cut-short'),
    says: /root-cut-short\/root\.erofs has 52428800 bytes instead of \d+/,
  },
  {
    name: 'a release with one wrong bit in its root',
    command: upgradeFrom('root-damaged'),
    says: /root-damaged\/root\.erofs: data block 10240, at byte 41943040, is not what it was when it was hashed/,
  },
  {
    name: 'a release with one wrong bit in its UKI',
    command: upgradeFrom('uki-damaged'),
    says: /uki-damaged\/uki\.efi has the SHA-256 [0-9a-f]{64}, the release says [0-9a-f]{64}/,
  },
  {
    name: 'a release whose description is cut short',
    command: upgradeFrom('description-cut-short'),
    says: /release\.json/,
  },
  {
    name: 'a release with another digest than its files',
    command: upgradeFrom('other-digest'),
    says: /other-digest\/.* has the SHA-256 [0-9a-f]{64}, the release says 0{64}/,
  },
  {
    name: 'a release for another architecture',
    command: upgradeFrom('other-architecture'),
    says: /for arm64, this node is amd64/,
  },
  {
    name: 'a folder that is no release',
    command: 'cairn upgrade /run/releases',
    says: /\/run\/releases is not a release: it has no release\.json/,
  },
  {
    name: 'a source that cannot be read: I/O errors in the middle of the root',
    prepare: () => {
      const at = failingBlock * 8;
      return `size=$(blockdev --getsz /dev/vdb) && umount /run/releases && printf '%s\\n' \
        "0 ${at} linear /dev/vdb 0" "${at} 8 error" "${at + 8} $((size - ${at + 8})) linear /dev/vdb ${at + 8}" |
        dmsetup create failing && mount -o ro /dev/mapper/failing /run/releases`;
    },
    command: upgradeFrom('good'),
    says: /\/run\/releases\/good\/root\.erofs: .*(?:I\/O error|EIO)/i,
    mend: 'umount /run/releases && dmsetup remove failing && mount -o ro /dev/vdb /run/releases',
  },
  {
    name: 'a release that is larger than a slot',
    command: upgradeFrom('large'),
    says: /does not fit cairn-b, which has 512 MiB/,
  },
  {
    name: 'an ESP that is full',
    prepare: `${ON_ESP} && { dd if=/dev/zero of=/run/esp/full bs=1M 2>/dev/null; umount /run/esp; }`,
    command: upgradeFrom('good'),
    says: /the ESP has room for [0-9.]+ \S+/,
    mend: `${ON_ESP} && rm /run/esp/full && umount /run/esp`,
  },
  {
    name: 'a slot that is in use',
    prepare: 'dmsetup create held --table "0 2048 linear /dev/vda3 0"',
    command: upgradeFrom('good'),
    says: /\/dev\/vda3: it is in use/,
    mend: 'dmsetup remove held',
  },
  {
    name: 'another disk that is a copy of this one',
    prepare: 'dd if=/dev/vda of=/dev/vdc bs=1M count=1 conv=fsync 2>/dev/null',
    command: upgradeFrom('good'),
    says: /\/dev\/vdc is a copy of \/dev\/vda: both have the partition ESP/,
    mend: 'dd if=/dev/zero of=/dev/vdc bs=1M count=1 conv=fsync 2>/dev/null && blockdev --rereadpt /dev/vdc',
  },
  {
    name: 'an installation on the disk that runs',
    command: installTo('/dev/vda'),
    says: /\/dev\/vda/,
  },
  {
    name: 'an installation on a disk that is in use',
    prepare: 'dmsetup create held --table "0 2048 linear /dev/vdc 0"',
    command: installTo('/dev/vdc'),
    says: /\/dev\/vdc.* in use/,
    mend: 'dmsetup remove held',
  },
  {
    name: 'an installation with a configuration that is no YAML',
    prepare: `printf '#cloud-config\\nusers: [\\n' > /run/bad.yaml`,
    command: installTo('/dev/vdc', '--config /run/bad.yaml'),
    says: /\/run\/bad\.yaml:2:8: the \[ that opens here is not closed/,
  },
  {
    name: 'an installation with a size that is none',
    prepare: `printf '#cloud-config\\ninstall:\\n  partitions:\\n    oem: { size: soon }\\n' > /run/bad.yaml`,
    command: installTo('/dev/vdc', '--config /run/bad.yaml'),
    says: /\/run\/bad\.yaml:4:18: install\.partitions\.oem\.size: /,
  },
];

/** Whether the disk is not as it was when it was copied: what makes some of the mistakes changes it, and so does what takes them back. */
let stale = true;

for (const { name, prepare, command, says, mend } of MISTAKES) {
  test(`${name}: refused, and nothing on the disk is changed`, async () => {
    const script = typeof prepare === 'function' ? prepare() : prepare;
    if (script !== undefined) await guest.output(script, { timeoutMs: AGENT_LIMIT_MS });
    await guest.output('sync');
    if (stale || mend !== undefined)
      await runChecked(host.programs, ['cp', '--sparse=always', disk, join(folder.path, 'before.raw')]);
    stale = mend !== undefined;
    const { exitCode, stdout, stderr } = await guest.run(command, { timeoutMs: AGENT_LIMIT_MS });
    await guest.output('sync');
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /^ {4}at /m, 'no stack of calls');
    assert.equal(stdout, '');
    assert.ok(exitCode > 0 && exitCode < 126, `exit code ${exitCode}`);
    await assertUnchanged();
    if (mend !== undefined) await guest.output(mend, { timeoutMs: AGENT_LIMIT_MS });
  });
}

test('the disk to which nothing was installed is empty still', async () => {
  await guest.output('sync');
  const size = (await host.files.stat(blank))?.size ?? 0;
  await runChecked(host.programs, ['cmp', `--bytes=${size}`, blank, '/dev/zero']);
});
