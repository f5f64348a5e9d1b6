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
  /** Folders of releases. */
  readonly old: string;
  readonly new: string;
}

const AGENT_LIMIT_MS = 600_000;

/**
 * Records a whole upgrade in a machine, write by write: the agent's writes, the loader's own, the first boot of the new
 * release, its bless, and the way back to the old one.
 *
 * @param folder takes releases, disk and log: some 3 GB
 */
export async function recordUpgrade(
  host: Host,
  folder: string,
  note: (line: string) => void,
): Promise<Recording> {
  const recording: Recording = {
    base: join(folder, 'base.raw'),
    log: join(folder, 'writes.log'),
    old: join(folder, 'old'),
    new: join(folder, 'new'),
  };
  note('building two releases');
  const disk = await buildRelease(host, 'debian-13', recording.old, { args: ['--version', '1'] });
  await buildRelease(host, 'debian-13', recording.new, { args: ['--version', '2'] });
  const carrier = await carryReleases(host, folder, ['new']);

  note('first boot, which makes the partitions');
  {
    await using machine = await startNode(disk, { disks: [{ path: disk, access: 'direct' }] });
    await switchOff(machine, await logIn(machine));
  }
  await runChecked(host.programs, ['cp', '--sparse=always', disk, recording.base]);

  await using machine = await startNode(disk, {
    disks: [{ path: disk, access: 'direct', writeLog: recording.log }, { path: carrier }],
  });
  let guest = await logIn(machine);
  const agent = (command: string) => guest.output(command, { timeoutMs: AGENT_LIMIT_MS });
  note('upgrade');
  await agent('mkdir /run/releases && mount -o ro /dev/vdb /run/releases && cairn upgrade /run/releases/new');
  note('first boot of the new release');
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
}

async function switchOff(machine: Machine, guest: Guest): Promise<void> {
  await guest.output('sync; (sleep 1; systemctl poweroff) >/dev/null 2>&1 &');
  await machine.exited;
}
