import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realHost, runChecked } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { carryReleases } from '../support/carrier.ts';
import type { ImageName } from '../support/images.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder, waitUntilGood } from '../support/node.ts';
import { cutPower, judgeLog, slotsBooted } from '../sweep/power-cycles.ts';

const host = realHost();
const AGENT_LIMIT_MS = 300_000;

/**
 * One machine for all of these, in their order: from Debian 12 to 13 and back, both slots ruined, and from recovery on to 13
 * again and to a 13 with newer packages.
 */
/** States that cuts of power could have left, up to the roll-back. */
const STATES = 10_000;
/** How often the power is cut while a release that was found good boots. */
const CYCLES = 2;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let machine: Machine;
let guest: Guest;

async function build(name: string, image: ImageName, version: string): Promise<string> {
  return buildRelease(host, image, join(folder.path, name), { args: ['--version', version] });
}

before(async () => {
  folder = await temporaryFolder();
  const old = await build('old', 'debian-12', '12');
  await build('new', 'debian-13', '13');
  await build('newer', 'debian-13-newer', '13.1');
  const carrier = await carryReleases(host, folder.path, ['new', 'newer']);
  await runChecked(host.programs, ['cp', '--sparse=always', old, join(folder.path, 'base.raw')]);
  const writeLog = join(folder.path, 'writes.log');
  machine = await startNode(old, {
    disks: [{ path: old, access: 'direct', writeLog }, { path: carrier }],
  });
  guest = await logIn(machine);
});

after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

interface Status {
  readonly rootHash: string;
  readonly slot: string;
  readonly problems: readonly string[];
  readonly slots: readonly { readonly label: string; readonly state: string; readonly version?: string }[];
  readonly boots: readonly { readonly entry: string; readonly slot?: string; readonly triesLeft?: number }[];
}

async function status(): Promise<Status> {
  return JSON.parse(await guest.output('cairn status --json', { timeoutMs: AGENT_LIMIT_MS }));
}

function statesOf({ slots }: Status): string[] {
  return slots.map(({ label, state, version = '' }) => `${label} ${state} ${version}`.trimEnd());
}

/** What the image says that it is, and whose kernel runs. */
async function distro(): Promise<string> {
  return guest.output('. /etc/os-release; echo "$ID $VERSION_ID, Linux $(uname -r | cut -d. -f1)"');
}

async function upgradeTo(release: string): Promise<string> {
  const carried =
    'mountpoint -q /run/releases || { mkdir /run/releases && mount -o ro /dev/vdb /run/releases; }';
  return guest.output(`${carried}; cairn upgrade /run/releases/${release} 2>&1`, {
    timeoutMs: AGENT_LIMIT_MS,
  });
}

async function rootHashOf(release: string): Promise<string> {
  return (await loadRelease(host.files, join(folder.path, release))).root.rootHash;
}

test('an upgrade is written, verified and committed; what runs is left alone', async () => {
  assert.equal(await distro(), 'debian 12, Linux 6\n');
  assert.match(await upgradeTo('new'), /upgrade to Debian GNU\/Linux 13 in cairn-b: done in [0-9.]+ s/);
  const now = await status();
  assert.equal(now.rootHash, await rootHashOf('old'));
  assert.deepEqual(statesOf(now), ['cairn-a good 12', 'cairn-b pending 13', 'cairn-recovery empty']);
  assert.deepEqual(
    now.boots.map(({ entry }) => entry),
    ['cairn-2+3.conf', 'cairn-1.conf'],
  );
});

test('the next boot takes it, on trial: the loader has counted', async () => {
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  const now = await status();
  assert.equal(now.rootHash, await rootHashOf('new'));
  assert.equal(now.slot, 'cairn-b');
  assert.deepEqual(now.problems, []);
  assert.equal(await distro(), 'debian 13, Linux 6\n');
});

test('it is found healthy and blessed by itself; the other release is still there', async () => {
  await waitUntilGood(guest);
  assert.match(await guest.output('journalctl -u cairn-health -o cat'), /this release is good from now on/);
  const now = await status();
  assert.deepEqual(statesOf(now), ['cairn-a good 12', 'cairn-b good 13', 'cairn-recovery empty']);
  assert.deepEqual(
    now.boots.map(({ entry }) => entry),
    ['cairn-2.conf', 'cairn-1.conf'],
  );
});

test('cuts of power while it boots: it stays what is booted', async () => {
  const from = machine.console.transcript.length;
  await guest.output('(sleep 1; reboot -f) >/dev/null 2>&1 &');
  await cutPower(machine, { cycles: CYCLES, seed: 20_260_101 });
  guest = await logIn(machine);
  assert.deepEqual(new Set(slotsBooted(machine.console.transcript, from)), new Set(['cairn-b']));
  const now = await status();
  assert.deepEqual(statesOf(now), ['cairn-a good 12', 'cairn-b good 13', 'cairn-recovery empty']);
});

test('a rollback makes the other release the next, and the boot after it is that', async () => {
  await guest.output('cairn rollback', { timeoutMs: AGENT_LIMIT_MS });
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  const now = await status();
  assert.equal(now.rootHash, await rootHashOf('old'));
  assert.equal(now.slot, 'cairn-a');
  assert.equal(await distro(), 'debian 12, Linux 6\n');
});

test('whenever the power had gone up to here, the old or the new release would have booted, whole', async (context) => {
  await guest.output('sync');
  const { judged, failed, failures, byBoots } = await judgeLog(
    host,
    {
      base: join(folder.path, 'base.raw'),
      log: join(folder.path, 'writes.log'),
      releases: [join(folder.path, 'new'), join(folder.path, 'old')],
    },
    { states: STATES, signal: context.signal },
  );
  assert.deepEqual(failures, []);
  assert.equal(failed, 0);
  assert.ok(judged >= STATES && byBoots.old > 0 && byBoots.new > 0, JSON.stringify({ judged, byBoots }));
});

/** Where a partition begins on the disk, in bytes: the kernel counts in 512. */
async function startOf(partition: string): Promise<number> {
  return Number(await guest.output(`cat /sys/class/block/${partition}/start`)) * 512;
}

test('a corrupted block in one slot, the other overwritten: recovery comes up by itself, and says why', async () => {
  const said = await guest.output('cairn upgrade --recovery 2>&1', { timeoutMs: AGENT_LIMIT_MS });
  assert.match(said, /make Debian GNU\/Linux 12, which runs, the recovery release: done/);
  const [a, b] = [await startOf('vda2'), await startOf('vda3')];
  const { hashOffset } = (await loadRelease(host.files, join(folder.path, 'new'))).root;
  await guest.output('sync');
  await machine.powerOff();
  // EROFS's superblock, which every mount reads; and the block that the initrd knows a slot by.
  await machine.flipBit({ offset: a + 1024, bit: 3 });
  await machine.flipBit({ offset: b + hashOffset + 4096, bit: 3 });
  await machine.powerOn();
  // Three panics of slot a, of which the loader counts the last, and one refusal of slot b.
  for (let boots = 0; boots < 4; boots++) {
    await machine.qmp.waitForEvent('RESET', { timeoutMs: BOOT_LIMIT_MS });
  }
  machine.console.skipToEnd();
  guest = await logIn(machine);
  const { stdout } = await guest.run('cairn status --json', { timeoutMs: AGENT_LIMIT_MS });
  const now: Status = JSON.parse(stdout);
  assert.equal(now.slot, 'cairn-recovery');
  assert.equal(now.rootHash, await rootHashOf('old'));
  assert.equal(await guest.output('ls /run/cos'), 'recovery_mode\n');
  const [ofB, ofA, advice, ...more] = now.problems;
  assert.match(
    ofB ?? '',
    /^Debian GNU\/Linux 13, by cairn-2\+0-1\.conf, is not booted any more: no slot holds it any more/,
  );
  assert.match(
    ofA ?? '',
    /^Debian GNU\/Linux 12, by cairn-3\+0-3\.conf, is not booted any more: an earlier boot of it ended in a kernel panic: dm-verity device corrupted \(device-mapper: verity: \S+ data block 0 is corrupted\)/,
  );
  assert.match(advice ?? '', /^this is the recovery system, as no slot can be booted/);
  assert.deepEqual(more, []);
});

test('an upgrade in recovery mends the node', async () => {
  await upgradeTo('new');
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  const now = await status();
  assert.equal(now.slot, 'cairn-a');
  assert.equal(now.rootHash, await rootHashOf('new'));
  assert.deepEqual(now.problems, []);
  await waitUntilGood(guest);
});

test('from Debian 13 to one with newer packages, in the slot that was ruined', async () => {
  await upgradeTo('newer');
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  assert.match(await distro(), /^debian 13, Linux ([7-9]|\d\d)\n$/);
  await waitUntilGood(guest);
  const now = await status();
  assert.deepEqual(statesOf(now), ['cairn-a good 13', 'cairn-b good 13.1', 'cairn-recovery good 12']);
  assert.deepEqual(now.problems, []);
});
