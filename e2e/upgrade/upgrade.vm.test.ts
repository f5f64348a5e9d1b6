import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realHost, runChecked } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder } from '../support/node.ts';

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
  const carrier = await carry(['new']);
  machine = await startNode(old, { disks: [{ path: old }, { path: carrier }] });
  guest = await logIn(machine);
  await guest.output('mkdir /run/releases && mount -o ro /dev/vdb /run/releases');
});

after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** A disk with releases in folders, as a stick would bring them. */
async function carry(releases: readonly string[]): Promise<string> {
  const tree = join(folder.path, 'carried');
  await host.files.makeDirectory(tree);
  for (const name of releases) {
    await host.files.makeDirectory(join(tree, name));
    for (const file of ['root.erofs', 'uki.efi', 'sbom.spdx.json', 'release.json']) {
      await runChecked(host.programs, ['cp', join(folder.path, name, file), join(tree, name, file)]);
    }
  }
  const disk = join(folder.path, 'carrier.raw');
  await runChecked(host.programs, ['truncate', '--size=1G', disk]);
  await runChecked(host.programs, ['mkfs.ext4', '-q', '-d', tree, disk]);
  await host.files.remove(tree);
  return disk;
}

async function status(): Promise<Record<string, any>> {
  const { stdout } = await guest.run('cairn status --json', { timeoutMs: AGENT_LIMIT_MS });
  return JSON.parse(stdout);
}

test('an upgrade is written, verified and committed; what runs is left alone', async () => {
  const start = performance.now();
  const said = await guest.output('cairn upgrade /run/releases/new 2>&1', { timeoutMs: AGENT_LIMIT_MS });
  console.log(`upgrade: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  assert.match(said, /on trial/);
  console.log(said);
  console.log(JSON.stringify(await status(), undefined, 1));
});

test('the next boot takes it, from the other slot', async () => {
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  const { root } = await loadRelease(host.files, join(folder.path, 'new'));
  const now = await status();
  console.log(JSON.stringify(now, undefined, 1));
  assert.equal(now['rootHash'], root.rootHash);
  assert.equal(now['slot'], 'cairn-b');
});
