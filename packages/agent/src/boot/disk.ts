import { basename, dirname } from 'node:path';
import type { Files } from '@cairn/host';
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

/** Reads from sysfs what the kernel knows now, so that partitions made a moment ago are seen. */
export async function findSystemDisk(files: Files): Promise<SystemDisk> {
  const link = await files.readLink(ROOT_LINK);
  const partition = link === undefined ? undefined : basename(link);
  const place = partition === undefined ? undefined : await files.readLink(`${SYSFS}/${partition}`);
  if (partition === undefined || place === undefined) {
    throw new AgentError(
      'not-a-node',
      `${ROOT_LINK} leads to no partition: this is not a booted Cairn system`,
    );
  }
  const disk = basename(dirname(place));
  const partitions = new Map<string, string>();
  let slot = '';
  for (const name of await files.list(`${SYSFS}/${disk}`)) {
    if (!name.startsWith(disk)) continue;
    const label = /^PARTNAME=(.*)$/m.exec(
      (await files.readText(`${SYSFS}/${disk}/${name}/uevent`)) ?? '',
    )?.[1];
    if (label === undefined) continue;
    partitions.set(label, `/dev/${name}`);
    if (name === partition) slot = label;
  }
  return { device: `/dev/${disk}`, slot, partitions };
}
