import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readExactly } from '@cairn/bytes';
import { type OpenFile, realHost, runChecked } from '@cairn/host';
import { loadRelease, RELEASE_FILES, type Release } from '@cairn/release';
import {
  type BitPosition,
  type Boot,
  FATAL_OUTPUT,
  flipBit,
  type Machine,
  restoreMachine,
  saveMachine,
} from '@cairn/testkit';
import { buildRelease, CAIRN } from '../support/build.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder } from '../support/node.ts';
import { DiskPlaces, readBootParts } from './places.ts';

const host = realHost();
const LARGE = '/usr/share/cairn-test/large';
const SMALL = '/usr/share/cairn-test/first';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let disk: string;
let release: Release;
let diskFile: OpenFile;
let places: DiskPlaces;
/** Firmware and loader take a quarter of a boot's time: where they are not what is tested, they are left out. */
let direct: Boot & { readonly kind: 'kernel' };

before(async () => {
  folder = await temporaryFolder();
  disk = await buildRelease(host, 'debian-13', join(folder.path, 'release'));
  release = await loadRelease(host.files, join(folder.path, 'release'));
  diskFile = await host.files.open(disk, 'read');
  places = await DiskPlaces.read(diskFile, release);
  direct = await directBoot('release');
});

after(async () => {
  await diskFile?.close();
  await folder?.[Symbol.asyncDispose]();
});

/** What firmware, loader and stub would start of a release. */
async function directBoot(name: string): Promise<Boot & { readonly kind: 'kernel' }> {
  await using uki = await host.files.open(join(folder.path, name, RELEASE_FILES.uki), 'read');
  const { kernel, initrd, commandLine } = await readBootParts(uki);
  const files = { kernel: join(folder.path, `${name}.kernel`), initrd: join(folder.path, `${name}.initrd`) };
  await writeFile(files.kernel, kernel);
  await writeFile(files.initrd, initrd);
  return { kind: 'kernel', ...files, commandLine };
}

/** A machine that is switched on after a bit of its disk was flipped, and that ends where it would reboot. */
async function startTampered(position: BitPosition, boot: Boot): Promise<Machine> {
  const machine = await startNode(disk, { boot, reboots: false });
  await machine.powerOff();
  await machine.flipBit(position);
  await machine.powerOn();
  return machine;
}

/** The machine has rebooted, which is its end here. */
async function reboots(machine: Machine): Promise<void> {
  const limit = sleep(60_000, undefined, { ref: false }).then(() =>
    assert.fail('the machine did not reboot'),
  );
  const { code } = await Promise.race([machine.exited, limit]);
  assert.equal(code, 0);
}

/** The kernel finds a block that is not what it was, stops at once, and reboots; nobody got a file's digest. */
async function panics(machine: Machine, block: string, delay: number): Promise<void> {
  const { console } = machine;
  const wait = { timeoutMs: 60_000, failOn: [/[0-9a-f]{64} {2}\//] };
  await console.waitFor(new RegExp(`device-mapper: verity: \\S+ ${block} is corrupted`), wait);
  await console.waitFor('Kernel panic - not syncing: dm-verity device corrupted', wait);
  await console.waitFor(`Rebooting in ${delay} seconds`, wait);
  await reboots(machine);
  assert.doesNotMatch(console.transcript, /[0-9a-f]{64} {2}\//);
}

/** The boot ends with the reason on the console and a reboot; there is no login and no shell. */
async function refuses(machine: Machine, reason: RegExp): Promise<void> {
  const { console } = machine;
  const failOn = [/login:/, ...FATAL_OUTPUT];
  await console.waitFor('Cairn: this boot is refused.', { timeoutMs: BOOT_LIMIT_MS, failOn });
  await console.waitFor(reason, { failOn });
  await console.waitFor('Cairn: rebooting in 10 seconds.', { failOn });
  console.send('\necho taken-$((6 * 7))\n');
  await reboots(machine);
  assert.doesNotMatch(console.transcript, /taken-42|login:|emergency mode|maintenance|^\S*[#$] /m);
}

suite('one flipped bit under a running system: the read fails', () => {
  let saved: string;

  /** The kernel asks the disk again, and tells all that it finds. */
  const READ_ANEW = `echo 8 >/proc/sys/kernel/printk
    sync; echo 3 >/proc/sys/vm/drop_caches
    sha256sum "$file" >/dev/console`;

  before(async () => {
    saved = join(folder.path, 'saved');
    await using machine = await startNode(disk, { boot: direct, reboots: false });
    const guest = await logIn(machine);
    // The cases would wait for ten seconds each.
    await guest.output('echo 1 >/proc/sys/kernel/panic');
    await saveMachine(machine, saved);
    for (const file of [LARGE, SMALL]) {
      await guest.output(`file=${file}; ${READ_ANEW}`);
      await machine.console.waitFor(`${await places.sha256Of(file)}  ${file}`);
    }
  });

  const CASES: readonly {
    readonly name: string;
    readonly file: string;
    readonly at: () => Promise<number>;
  }[] = [
    { name: 'the first block of a file', file: LARGE, at: () => startOf(LARGE, 0) },
    { name: 'a block in its middle', file: LARGE, at: async () => (await startOf(LARGE, 0)) + 2_000_000 },
    { name: 'its end, which lies beside its inode', file: LARGE, at: () => startOf(LARGE, -1) },
    { name: 'a small file, which lies beside its inode', file: SMALL, at: () => startOf(SMALL, 0) },
  ];

  async function startOf(file: string, extent: number): Promise<number> {
    const place = (await places.fileExtents(file)).at(extent);
    assert.ok(place);
    return place.start;
  }

  for (const { name, file, at } of CASES) {
    test(name, async () => {
      const position = await at();
      await using machine = await restoreMachine(saved);
      const guest = await logIn(machine);
      const [byte = 0] = await readExactly(diskFile, position, 1);
      const write = `qemu-io disk0 "write -P ${byte ^ 0x10} ${position} 1"`;
      await machine.qmp.execute('human-monitor-command', { 'command-line': write });
      const reading = guest.run(`file=${file}; ${READ_ANEW}`);
      await Promise.all([
        assert.rejects(reading, { code: 'machine-exited' }),
        panics(machine, `data block ${places.blockOf(position)}`, 1),
      ]);
    });
  }
});

test('one flipped bit in the hash tree, on a disk at rest: it boots, and reading what lies below fails', async () => {
  const [extent] = await places.fileExtents(LARGE);
  assert.ok(extent);
  const digest = places.digestOf(places.blockOf(extent.start + extent.length / 2));
  await using machine = await startTampered({ offset: digest + 7, bit: 2 }, direct);
  const guest = await logIn(machine);
  const reading = guest.run(`echo 8 >/proc/sys/kernel/printk; sha256sum ${LARGE} >/dev/console`);
  await Promise.all([
    assert.rejects(reading, { code: 'machine-exited' }),
    panics(machine, `metadata block ${places.blockOf(digest)}`, 10),
  ]);
});

test('one flipped bit in the header of the hash tree, which no boot reads: every byte is right', async () => {
  await using machine = await startTampered({ offset: places.veritySuperblock, bit: 0 }, direct);
  const guest = await logIn(machine);
  const sum = await guest.output(`echo 3 >/proc/sys/vm/drop_caches; sha256sum ${LARGE}`);
  assert.equal(sum, `${await places.sha256Of(LARGE)}  ${LARGE}\n`);
});

suite('the boot is refused', () => {
  test('one flipped bit in the top block of the hash tree', async () => {
    await using machine = await startTampered({ offset: places.topHashBlock + 100, bit: 7 }, direct);
    await refuses(machine, /cairn-a on \/dev\/vda2 holds another release \(root hash [0-9a-f]{64}\)/);
  });

  const UNSIGNED = /the kernel command line is not the one that this UKI was built with/;
  const COMMAND_LINE: readonly (readonly [name: string, text: RegExp])[] = [
    ['the root hash', /(?<=roothash=[0-9a-f]*)[0-9]/],
    ['another argument', /systemd\.verity/],
  ];
  for (const [name, text] of COMMAND_LINE) {
    test(`one flipped bit in the command line of the UKI: ${name}`, async () => {
      const offset = await places.commandLine(text);
      // The firmware starts it all the same: nobody has signed it.
      await using machine = await startTampered({ offset, bit: 0 }, { kind: 'uefi' });
      await refuses(machine, UNSIGNED);
    });
  }

  test('one flipped bit in the name of the root hash: there is no root to be asked for', async () => {
    const commandLine = direct.commandLine.replace('roothash=', 'soothash=');
    await using machine = await startNode(disk, { boot: { ...direct, commandLine }, reboots: false });
    await refuses(machine, UNSIGNED);
  });

  test("another release's UKI", async () => {
    await buildRelease(host, 'debian-13', join(folder.path, 'other'), { args: ['--version', 'other'] });
    const boot = await directBoot('other');
    assert.notEqual(boot.commandLine, direct.commandLine);
    await using machine = await startNode(disk, { boot, reboots: false });
    await refuses(
      machine,
      new RegExp(`cairn-a on /dev/vda2 holds another release \\(root hash ${release.root.rootHash}\\)`),
    );
  });

  test('a disk without a slot', async () => {
    const copy = join(folder.path, 'renamed.raw');
    await runChecked(host.programs, ['cp', '--sparse=always', disk, copy]);
    await runChecked(host.programs, ['sgdisk', '--change-name=2:data', copy]);
    await using machine = await startNode(copy, { boot: direct, reboots: false });
    await refuses(
      machine,
      /there is no slot: neither a disk with a partition named cairn-a nor a live medium was found/,
    );
  });
});

suite('cairn release verify finds one flipped bit', () => {
  interface Damage {
    readonly file: string;
    readonly at: () => number | Promise<number>;
    readonly says: () => RegExp;
  }
  const CASES: readonly Damage[] = [
    {
      file: RELEASE_FILES.root,
      at: () => 100_000_000,
      says: () => /root\.erofs: data block 24414, at byte 99999744, is not what it was/,
    },
    { file: RELEASE_FILES.root, at: () => release.root.hashOffset, says: () => /root\.erofs: / },
    { file: RELEASE_FILES.root, at: () => release.root.size - 5000, says: () => /root\.erofs: / },
    {
      file: RELEASE_FILES.uki,
      at: () => 12_345_678,
      says: () =>
        new RegExp(`uki\\.efi has the SHA-256 [0-9a-f]{64}, the release says ${release.uki.sha256}`),
    },
    { file: RELEASE_FILES.sbom, at: () => 5000, says: () => /sbom\.spdx\.json has the SHA-256/ },
    { file: RELEASE_FILES.description, at: () => 30, says: () => /release\.json/ },
  ];
  for (const { file, at, says } of CASES) {
    test(`in ${file}`, async () => {
      const path = join(folder.path, 'release', file);
      const position = await at();
      await flipBit(path, position, 3);
      const { exitCode, stdout, stderr } = await host.programs.run([
        ...CAIRN,
        'release',
        'verify',
        '--quiet',
        join(folder.path, 'release'),
      ]);
      await flipBit(path, position, 3);
      assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' });
      assert.match(stderr, says());
    });
  }
});
