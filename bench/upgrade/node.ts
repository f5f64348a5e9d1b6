import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Guest, restoreMachine, saveMachine } from '@cairn/testkit';
import { BOOT_LIMIT_MS, startNode, waitUntilGood } from '../../e2e/support/node.ts';
import { BenchError } from '../support/error.ts';
import { parseUsage, timed, type Usage } from '../support/measure.ts';
import { LAYOUT, RELEASE, type UpgradeSystem } from './systems.ts';

/** What an upgrade cost, from the command to "ready to reboot". */
export interface UpgradeCost extends Usage {
  /** To the node's disk, in bytes. */
  readonly written: number;
}

export const SIDES = ['cairn upgrade RELEASE', 'cairn upgrade IMAGE', 'as Kairos does'] as const;
export type Side = (typeof SIDES)[number];

const UPGRADE_LIMIT_MS = 30 * 60_000;
const CARRIED = '/run/carried';
/** On the persistent partition, as Kairos' images are on a partition of their own. */
const STATE = '/run/cairn/persistent/bench/cOS';
const USAGE_FILE = '/run/bench-usage';
const SCRIPT = join(import.meta.dirname, 'kairos.sh');
const SECTOR = 512;
/** Sectors written, the seventh field (Documentation/block/stat.rst). */
const READ_SECTORS = "sync; awk '{print $7}' /sys/block/vda/stat";

const COMMANDS: Readonly<Record<Side, readonly string[]>> = {
  'cairn upgrade RELEASE': ['cairn', 'upgrade', `${CARRIED}/${RELEASE}`],
  'cairn upgrade IMAGE': ['cairn', 'upgrade', `oci:${CARRIED}/${LAYOUT}`],
  'as Kairos does': ['sh', '/run/kairos.sh', `${CARRIED}/${LAYOUT}`, STATE],
};

/**
 * Boots the node once, lays out what Kairos' way finds on a machine (an active and a passive image: small ones, they are only
 * renamed), and saves the machine in a folder: each upgrade starts from there, with the same disk and cold caches.
 */
export async function saveNode(
  { disk, carrier }: UpgradeSystem,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  await using machine = await startNode(disk, { disks: [{ path: disk }, { path: carrier }], signal });
  const guest = await machine.login({ timeoutMs: BOOT_LIMIT_MS, signal });
  await waitUntilGood(guest);
  const limits = { timeoutMs: BOOT_LIMIT_MS, signal };
  await guest.output(`mkdir ${CARRIED} && mount -o ro /dev/vdb ${CARRIED}`, limits);
  await guest.output(`cat >/run/kairos.sh <<'END'\n${await readFile(SCRIPT, 'utf8')}END\n`, limits);
  await guest.output(
    `modprobe loop && mkdir -p ${STATE} && cd ${STATE} && truncate --size=64M active.img passive.img &&
      mkfs.ext2 -q -F -L COS_ACTIVE active.img && mkfs.ext2 -q -F -L COS_PASSIVE passive.img && sync`,
    limits,
  );
  await saveMachine(machine, folder, { signal });
}

/** One upgrade on a node as it was saved. */
export async function measureUpgrade(folder: string, side: Side, signal: AbortSignal): Promise<UpgradeCost> {
  await using machine = await restoreMachine(folder, { signal });
  const guest = await machine.login({ timeoutMs: BOOT_LIMIT_MS, signal });
  const before = await sectorsWritten(guest, signal);
  const argv = [...timed(USAGE_FILE), ...COMMANDS[side]];
  await guest.output(`${argv.map((word) => `'${word}'`).join(' ')} 2>&1`, {
    timeoutMs: UPGRADE_LIMIT_MS,
    signal,
  });
  const usage = parseUsage(await guest.output(`cat ${USAGE_FILE}`, { signal }));
  // What is not on the disk yet counts too.
  const written = ((await sectorsWritten(guest, signal)) - before) * SECTOR;
  return { ...usage, written };
}

async function sectorsWritten(guest: Guest, signal: AbortSignal): Promise<number> {
  const text = await guest.output(READ_SECTORS, { timeoutMs: UPGRADE_LIMIT_MS, signal });
  const sectors = Number(text.trim());
  if (Number.isInteger(sectors) && sectors > 0) return sectors;
  throw new BenchError('bad-measurement', `/sys/block/vda/stat says "${text.trim()}" sectors were written`);
}
