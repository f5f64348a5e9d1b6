import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realHost } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { carryReleases } from '../support/carrier.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder, waitUntilGood } from '../support/node.ts';

const host = realHost();
const AGENT_LIMIT_MS = 300_000;

/** One machine for all of these, in their order: an upgrade, its trial, and the way back. */
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let machine: Machine;
let guest: Guest;

before(async () => {
  folder = await temporaryFolder();
  const old = await buildRelease(host, 'debian-13', join(folder.path, 'old'), { args: ['--version', '1'] });
  await buildRelease(host, 'debian-13', join(folder.path, 'new'), { args: ['--version', '2'] });
  const carrier = await carryReleases(host, folder.path, ['new']);
  machine = await startNode(old, { disks: [{ path: old }, { path: carrier }] });
  guest = await logIn(machine);
  await guest.output('mkdir /run/releases && mount -o ro /dev/vdb /run/releases');
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

async function rootHashOf(release: string): Promise<string> {
  return (await loadRelease(host.files, join(folder.path, release))).root.rootHash;
}

test('an upgrade is written, verified and committed; what runs is left alone', async () => {
  const said = await guest.output('cairn upgrade /run/releases/new 2>&1', { timeoutMs: AGENT_LIMIT_MS });
  assert.match(said, /upgrade to Debian GNU\/Linux 2 in cairn-b: done in [0-9.]+ s/);
  const now = await status();
  assert.equal(now.rootHash, await rootHashOf('old'));
  assert.deepEqual(statesOf(now), ['cairn-a good 1', 'cairn-b pending 2', 'cairn-recovery empty']);
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
});

test('it is found healthy and blessed by itself; the other release is still there', async () => {
  await waitUntilGood(guest);
  const now = await status();
  assert.deepEqual(statesOf(now), ['cairn-a good 1', 'cairn-b good 2', 'cairn-recovery empty']);
  assert.deepEqual(
    now.boots.map(({ entry }) => entry),
    ['cairn-2.conf', 'cairn-1.conf'],
  );
});

test('a rollback makes the other release the next, and the boot after it is that', async () => {
  await guest.output('cairn rollback', { timeoutMs: AGENT_LIMIT_MS });
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  const now = await status();
  assert.equal(now.rootHash, await rootHashOf('old'));
  assert.equal(now.slot, 'cairn-a');
});
