import { join } from 'node:path';
import { type Host, runChecked } from '@cairn/host';
import type { Guest, Machine } from '@cairn/testkit';
import { buildRelease } from '../support/build.ts';
import { carryReleases } from '../support/carrier.ts';
import { BOOT_LIMIT_MS, logIn, startNode, waitUntilGood } from '../support/node.ts';

/** What a sweep judges: a disk, and all that was written to it from then on. */
export interface Recording {
  /** Raw, as it was before the log. */
  readonly base: string;
  /** Of QEMU's blklogwrites. */
  readonly log: string;
  /** Folders of releases; an installation has no old one. */
  readonly old?: string;
  readonly new: string;
  /** Of an installation: what it is installed from, and what is booted where the disk has nothing. */
  readonly medium?: string;
}

/** Records something in a machine. `folder` takes releases, disk and log: some 4 GB. */
export type Recorder = (host: Host, folder: string, note: (line: string) => void) => Promise<Recording>;

const AGENT_LIMIT_MS = 600_000;
const TRIES = 3;

/**
 * Records a node's life in a machine, write by write: the first boot of a disk image, which makes the partitions; an upgrade
 * whose boots are cut until its tries are spent, and what the old release makes of that; an upgrade that is blessed; and
 * the way back.
 */
export const recordUpgrade: Recorder = async (host, folder, note) => {
  const recording = {
    base: join(folder, 'base.raw'),
    log: join(folder, 'writes.log'),
    old: join(folder, 'old'),
    new: join(folder, 'new'),
  };
  note('building two releases');
  const disk = await buildRelease(host, 'debian-13', recording.old, { args: ['--version', '1'] });
  const unused = await buildRelease(host, 'debian-13', recording.new, { args: ['--version', '2'] });
  await host.files.remove(unused);
  const carrier = await carryReleases(host, folder, ['new']);
  await runChecked(host.programs, ['cp', '--sparse=always', disk, recording.base]);

  note('first boot, which makes the partitions');
  await using machine = await startNode(disk, {
    disks: [{ path: disk, access: 'direct', writeLog: recording.log }, { path: carrier }],
  });
  let guest = await logIn(machine);
  const agent = (command: string) => guest.output(command, { timeoutMs: AGENT_LIMIT_MS });
  const carried = 'mkdir -p /run/releases && mount -o ro /dev/vdb /run/releases';
  note('an upgrade');
  await agent(`${carried} && cairn upgrade /run/releases/new`);
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  for (let number = 1; number <= TRIES; number++) {
    note(`boot ${number} of the new release, which is cut`);
    await machine.console.waitFor('Cairn: booting cairn-b', { timeoutMs: BOOT_LIMIT_MS });
    await machine.reset();
  }
  note('the old release runs again');
  guest = await logIn(machine);
  await agent(SETTLED);
  note('the upgrade once more');
  await agent(`${carried} && cairn upgrade --force /run/releases/new`);
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  note('health and bless');
  await waitUntilGood(guest);
  note('rollback');
  await agent('cairn rollback');
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  await switchOff(machine, guest);
  await host.files.remove(disk);
  return recording;
};

/** Waits until what came of the boot before is noted. */
const SETTLED =
  'until [ "$(systemctl show -P ActiveState cairn-settle)" != activating ] && [ -e /run/cairn/up ]; do sleep 1; done';

/** Switches a machine off, so that its log ends with a flush. */
export async function switchOff(machine: Machine, guest: Guest): Promise<void> {
  await guest.output('sync; (sleep 1; systemctl poweroff) >/dev/null 2>&1 &');
  await machine.exited;
}
