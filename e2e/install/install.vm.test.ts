import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { realHost } from '@cairn/host';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder } from '../support/node.ts';

const CONFIG = `#cloud-config
hostname: installed
install:
  auto: true
  device: auto
  partitions:
    oem: { size: 100 }
`;
const DISK_SIZE = 9 * 2 ** 30;
const INSTALL_LIMIT_MS = 600_000;

/** One machine with a CD drive and an empty disk; each test goes on where the one before has ended. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let iso: string;
let machine: Machine;
let guest: Guest;

before(async () => {
  folder = await temporaryFolder();
  const config = `${folder.path}/config.yaml`;
  await writeFile(config, CONFIG);
  const args = ['--config', config];
  iso = await buildRelease(realHost(), 'debian-13', `${folder.path}/release`, { format: 'iso', args });
  const disk = `${folder.path}/disk.raw`;
  await writeFile(disk, '');
  await truncate(disk, DISK_SIZE);
  machine = await startNode(disk, {
    disks: [{ path: disk, format: 'raw', access: 'direct' }],
    extraArguments: [
      '-drive',
      `if=none,id=cd,media=cdrom,readonly=on,format=raw,file=${iso}`,
      '-device',
      'ide-cd,drive=cd',
    ],
  });
});

after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

async function status(
  of = guest,
): Promise<{ slot: string; problems: string[]; live: boolean; verified: boolean }> {
  return JSON.parse(await of.output('cairn status --json', { timeoutMs: 60_000 }));
}

test('the ISO in a CD drive boots into a live system, verified, with all in memory', async () => {
  guest = await logIn(machine);
  const { slot, problems, live, verified } = await status();
  assert.deepEqual(
    { slot, problems, live, verified },
    { slot: 'live', problems: [], live: true, verified: true },
  );
  const record = JSON.parse(await guest.output('cat /run/cairn/boot.json'));
  assert.equal(record.disk, '/dev/sr0');
  assert.equal(await guest.output('cat /run/cos/live_mode'), '1\n');
  await guest.output('echo x > /oem/x; echo x > /usr/local/x; echo x > /etc/x');
  const upgrade = await guest.run('cairn rollback', { timeoutMs: 60_000 });
  assert.match(upgrade.stderr, /this is a live system, booted from \/dev\/sr0/);
});

test('it installs by itself on the empty disk, as its configuration says', async () => {
  const wait =
    'until systemctl show -p ActiveState cairn-install | grep -E "=(active|inactive|failed)$" && [ -e /run/cairn/up ]; do sleep 1; done';
  await guest.output(`${wait}; sleep 1; ${wait.replace('active|inactive', 'inactive')}`, {
    timeoutMs: INSTALL_LIMIT_MS,
  });
  const log = await guest.output('journalctl -u cairn-install -o cat');
  assert.match(log, /install Debian GNU\/Linux .* from \/dev\/sr0 on \/dev\/vda: done in/);
  assert.doesNotMatch(log, /warning/);
  // A disk with a system on it is not taken again unasked.
  const again = await guest.run('cairn install --auto', { timeoutMs: 120_000 });
  assert.match(
    again.stderr,
    /there is no disk that can be taken unasked: \/dev\/vda .* holds a partition table/,
  );
});

test('the firmware boots the disk then, though the CD is still in its drive', async () => {
  await guest.reboot();
  guest = await logIn(machine);
  const { slot, problems, live } = await status();
  assert.deepEqual({ slot, problems, live }, { slot: 'cairn-a', problems: [], live: false });
  assert.equal(await guest.output('cat /oem/90_custom.yaml'), CONFIG);
  assert.equal(await guest.output('stat -c "%a %u %g" /oem/90_custom.yaml'), '600 0 0\n');
  const sizes = await guest.output('lsblk -bnro PARTLABEL,SIZE /dev/vda | grep COS_OEM');
  assert.equal(sizes, `COS_OEM ${100 * 2 ** 20}\n`);
  await guest.output('echo kept > /usr/local/kept; sync');
});

test('cairn upgrade --recovery finds the recovery release to be what runs', async () => {
  const said = await guest.output('cairn upgrade --recovery', { timeoutMs: 120_000 });
  assert.match(said, /What runs is the recovery release already/);
});

test('cairn boot-into recovery boots the recovery slot once', async () => {
  await guest.output('cairn boot-into recovery', { timeoutMs: 120_000 });
  await guest.reboot();
  guest = await logIn(machine);
  const { slot, problems } = await status();
  assert.deepEqual({ slot, problems }, { slot: 'cairn-recovery', problems: [] });
  assert.equal(await guest.output('cat /run/cos/recovery_mode /usr/local/kept'), '1\nkept\n');
});

test('cairn reset makes what is kept anew but for what is to stay, and the node comes back', async () => {
  await guest.output('mkdir -p /home/me; echo kept > /home/me/file; sync');
  const asked = 'cairn reset --keep /home --unattended --dry-run';
  assert.match(await guest.output(asked, { timeoutMs: 120_000 }), /persistent made anew, kept: \/home/);
  const machineId = await guest.output('cat /etc/machine-id');
  // Recovery is booted, resets in its initrd, and reboots: login is at the end of that. The shell goes down with the system.
  await guest.run('(sleep 1; cairn reset --keep /home --unattended) >/dev/null 2>&1 &');
  await machine.qmp.waitForEvent('RESET', { timeoutMs: BOOT_LIMIT_MS });
  await machine.qmp.waitForEvent('RESET', { timeoutMs: BOOT_LIMIT_MS });
  machine.console.skipToEnd();
  guest = await logIn(machine);
  const { slot, problems } = await status();
  assert.deepEqual({ slot, problems }, { slot: 'cairn-a', problems: [] });
  assert.equal(
    await guest.output('cat /home/me/file; ls /usr/local/kept /oem/.cairn/reset.json 2>/dev/null || :'),
    'kept\n',
  );
  assert.notEqual(await guest.output('cat /etc/machine-id'), machineId);
  assert.equal(await guest.output('cat /oem/90_custom.yaml'), CONFIG);
});
