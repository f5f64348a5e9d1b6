import type { EarlyHost } from '@cairn/host';
import { AgentError } from '../error.ts';
import { performReset } from '../reset/perform.ts';
import type { SystemDisk } from './disk.ts';
import { writeIdentity } from './identity.ts';
import { findMedium, mountLive } from './live.ts';
import { preparePartitions } from './partitions.ts';
import { BOOT_RECORD, IMAGE, PERSISTENT, RUN, VOLATILE } from './places.ts';
import type { BootRecord } from './record.ts';
import { prepareSystemd } from './systemd.ts';
import { markBoot } from './trial.ts';
import { mountBase, mountWritable, type Persistence } from './writable.ts';

export interface BootOptions {
  /** Where the verified root is mounted: `/sysroot` in the initrd. */
  readonly root: string;
}

/**
 * Makes a verified, read-only root into a system that its init can start: the partitions at the first boot, the
 * writable paths, the machine's identity. Runs in the initrd, between mounting the root and switching to it.
 * It takes no signal: a boot that is called off halfway is not what anybody wants.
 *
 * A persistent partition that cannot be used does not stop the boot: a machine that can be reached and says
 * what is wrong is worth more than one that reboots for ever. Whatever else fails is thrown, and the initrd
 * refuses the boot.
 */
export async function boot(host: EarlyHost, { root }: BootOptions): Promise<BootRecord> {
  const { files } = host;
  const start = host.clock.monotonic();
  const problems: string[] = [];

  const commandLine = (await files.readText('/proc/cmdline')) ?? '';
  const rootHash = readRootHash(commandLine);
  for (const folder of [RUN, IMAGE, VOLATILE, PERSISTENT]) await files.makeDirectory(folder);
  const { disk, firstBoot, persistent, reset } = await prepareDisk(host, root, problems);
  const backing = await mountWritable(host, root, persistent, problems);
  await writeIdentity(files, root, backing, problems);
  await markBoot(host, { root, rootHash, slot: disk.slot }, problems);
  await prepareSystemd(files, root, commandLine, backing === PERSISTENT);

  const record: BootRecord = {
    formatVersion: 1,
    rootHash,
    slot: disk.slot,
    disk: disk.device,
    persistent: backing === PERSISTENT,
    firstBoot,
    ...(reset ? { reset } : {}),
    problems,
    took: Math.round(host.clock.monotonic() - start),
  };
  await files.write(BOOT_RECORD, `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
}

interface PreparedDisk {
  readonly disk: SystemDisk;
  readonly firstBoot: boolean;
  readonly persistent: Persistence;
  readonly reset: boolean;
}

async function prepareDisk(host: EarlyHost, root: string, problems: string[]): Promise<PreparedDisk> {
  const medium = await findMedium(host.files);
  if (medium !== undefined) {
    await mountLive(host, root);
    return { disk: medium, firstBoot: false, reset: false, persistent: 'live' };
  }
  const { disk, firstBoot } = await preparePartitions(host, problems);
  // Only there: looking for it costs a mount.
  const reset = disk.slot === 'cairn-recovery' && (await performReset(host, disk, problems));
  return { disk, firstBoot, reset, persistent: await mountBase(host, root, disk, problems) };
}

/** The root hash that the kernel verifies this boot's root by. */
export function readRootHash(commandLine: string): string {
  const hash = /(?:^|\s)roothash=([0-9a-f]{64})(?:\s|$)/.exec(commandLine)?.[1];
  if (hash === undefined) {
    throw new AgentError(
      'not-a-node',
      'the kernel command line names no root hash: this is not a booted Cairn system',
    );
  }
  return hash;
}
