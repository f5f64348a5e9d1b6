import { basename, dirname } from 'node:path';
import { CairnError } from '@cairn/bytes';
import { type Gpt, parseGpt } from '@cairn/disk';
import type { EarlyFiles } from '@cairn/host';
import { AgentError } from '../error.ts';
import { ROOT_LINK } from './places.ts';

/** The disk that this boot's root lies on. */
export interface SystemDisk {
  /** `/dev/vda` */
  readonly device: string;
  /** The label of the partition that the root is on: `cairn-a`, ... */
  readonly slot: string;
  /** Device nodes of its partitions by label. Only this disk's: another disk may have the same labels. */
  readonly partitions: ReadonlyMap<string, string>;
}

const SYSFS = '/sys/class/block';

/** The kernel counts in these, whatever the disk's own sectors are. */
const KERNEL_SECTOR = 512;

/**
 * Finds the disk by the root that was verified, and its partitions by its own table: what the kernel and udev
 * tell of labels is not there yet for partitions made a moment ago.
 */
export async function findSystemDisk(files: EarlyFiles): Promise<SystemDisk> {
  const link = await files.readLink(ROOT_LINK);
  const root = link === undefined ? undefined : basename(link);
  const place = root === undefined ? undefined : await files.readLink(`${SYSFS}/${root}`);
  if (root === undefined || place === undefined) {
    throw new AgentError(
      'not-a-node',
      `${ROOT_LINK} leads to no partition: this is not a booted Cairn system`,
    );
  }
  const disk = basename(dirname(place));
  const table = await readTable(files, disk);
  const partitions = new Map<string, string>();
  let slot = '';
  for (const name of await files.list(`${SYSFS}/${disk}`)) {
    const start = await readNumber(files, `${SYSFS}/${disk}/${name}/start`);
    const partition = table.partitions.find((entry) => entry.start === start * KERNEL_SECTOR);
    if (partition === undefined) continue;
    partitions.set(partition.label, `/dev/${name}`);
    if (name === root) slot = partition.label;
  }
  return { device: `/dev/${disk}`, slot, partitions };
}

/** Devices that are no disks: what a firmware boots from has a table of its own. */
const NO_DISKS = /^(?:loop|ram|dm-|zram|sr|md|nbd)/;

/** The device node of the partition with an id, in lower case, on whichever disk; undefined where there is none. */
export async function findPartition(files: EarlyFiles, uuid: string): Promise<string | undefined> {
  for (const disk of await files.list(SYSFS)) {
    if (NO_DISKS.test(disk) || (await files.stat(`${SYSFS}/${disk}/partition`)) !== undefined) continue;
    const found = (await tableOrNothing(files, disk)).find((entry) => entry.uuid === uuid);
    if (found === undefined) continue;
    for (const name of await files.list(`${SYSFS}/${disk}`)) {
      const start = await readNumber(files, `${SYSFS}/${disk}/${name}/start`);
      if (start * KERNEL_SECTOR === found.start) return `/dev/${name}`;
    }
  }
  return undefined;
}

/** What has no table that can be read has no partition that is looked for. */
async function tableOrNothing(files: EarlyFiles, disk: string): Promise<Gpt['partitions']> {
  try {
    return (await readTable(files, disk)).partitions;
  } catch (error) {
    if (error instanceof CairnError) return [];
    throw error;
  }
}

async function readTable(files: EarlyFiles, disk: string): Promise<Gpt> {
  const sectorSize = await readNumber(files, `${SYSFS}/${disk}/queue/logical_block_size`);
  await using device = await files.open(`/dev/${disk}`, 'read');
  return await parseGpt(device, { sectorSize: sectorSize === 4096 ? 4096 : 512 });
}

/** NaN where there is no such file, as in the folders of a disk that are not partitions. */
async function readNumber(files: EarlyFiles, path: string): Promise<number> {
  return Number.parseInt((await files.readText(path)) ?? '', 10);
}
