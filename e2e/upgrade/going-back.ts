import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { realHost } from '@cairn/host';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { carryReleases } from '../support/carrier.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder } from '../support/node.ts';
import { type BadRelease, badVersion, buildBadRelease } from './bad-releases.ts';

const host = realHost();
const AGENT_LIMIT_MS = 300_000;

/** Leaves the loader one try of three, as after two that failed. */
const ONE_TRY = `mkdir -p /run/esp && mount -t vfat /dev/vda1 /run/esp && cd /run/esp/loader/entries &&
  for entry in *+3.conf; do mv "$entry" "\${entry%+3.conf}+1-2.conf"; done && cd / && umount /run/esp`;

interface Denied {
  readonly version: string;
  readonly reason: string;
}

/**
 * Tests of releases that are bad: one machine goes from one to the next, and always back.
 */
export function testBadReleases(releases: readonly BadRelease[]): void {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let machine: Machine;
  let guest: Guest;

  before(async () => {
    folder = await temporaryFolder();
    const old = await buildRelease(host, 'debian-13', join(folder.path, 'good'), {
      args: ['--version', '0'],
    });
    for (const bad of releases) await buildBadRelease(host, folder.path, bad);
    const carrier = await carryReleases(
      host,
      folder.path,
      releases.map(({ name }) => name),
    );
    machine = await startNode(old, { disks: [{ path: old }, { path: carrier }] });
    guest = await logIn(machine);
  });

  after(async () => {
    await machine?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  function onNode(script: string): Promise<string> {
    const carried =
      'mountpoint -q /run/releases || { mkdir -p /run/releases && mount -o ro /dev/vdb /run/releases; }';
    return guest.output(`${carried}; ${script}`, { timeoutMs: AGENT_LIMIT_MS });
  }

  async function goesBack(bad: BadRelease, tries: number): Promise<void> {
    const { name, reason } = bad;
    const version = badVersion(bad);
    await onNode(`cairn upgrade /run/releases/${name}`);
    if (tries === 1) await onNode(ONE_TRY);
    await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
    for (let failed = 0; failed < tries; failed++) {
      await machine.qmp.waitForEvent('RESET', { timeoutMs: BOOT_LIMIT_MS });
    }
    machine.console.skipToEnd();
    guest = await logIn(machine);
    await onNode(
      'until [ "$(systemctl show -P ActiveState cairn-settle)" != activating ] && [ -e /run/cairn/up ]; do sleep 1; done',
    );
    const status = JSON.parse(await onNode('cairn status --json'));
    assert.equal(status.slot, 'cairn-a');
    const denied: Denied | undefined = status.denied.find((each: Denied) => each.version === version);
    assert.match(denied?.reason ?? 'not denied', reason);
    assert.ok((await onNode('cairn status')).includes(`${version}, at `), 'cairn status tells of it');
    const again = await guest.run(`cairn upgrade /run/releases/${name}`, { timeoutMs: AGENT_LIMIT_MS });
    assert.notEqual(again.exitCode, 0);
    assert.ok(again.stderr.includes(denied?.reason ?? '-'), again.stderr);
  }

  for (const bad of releases) {
    const { tries = 1 } = bad;
    test(`a release that is bad, ${bad.name}: after ${tries} more tries the old one runs, and tells why`, () =>
      goesBack(bad, tries));
  }
}
