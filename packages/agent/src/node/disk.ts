import { CairnError } from '@cairn/bytes';
import { type Gpt, parseGpt } from '@cairn/disk';
import type { Files } from '@cairn/host';
import { BOOT_RECORD, LIVE_SLOT } from '../boot/places.ts';
import { parseBootRecord } from '../boot/record.ts';
import { AgentError } from '../error.ts';

export interface NodePartition {
  readonly label: string;
  /** `/dev/vda3` */
  readonly device: string;
  /** In lower case. */
  readonly uuid: string;
  readonly size: number;
}

/** The disk that the running root lies on. */
export interface NodeDisk {
  /** `/dev/vda` */
  readonly device: string;
  /** The label of the slot that was booted. */
  readonly booted: string;
  readonly partitions: readonly NodePartition[];
}

const SYSFS = '/sys/class/block';
const EFI_VARIABLES = '/sys/firmware/efi/efivars';
/** systemd's vendor id (Boot Loader Interface). */
const LOADER_PARTITION = `${EFI_VARIABLES}/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f`;
const KERNEL_SECTOR = 512;
/** Devices that no firmware boots from. */
const NO_DISKS = /^(?:loop|ram|dm-|zram|sr|md|nbd)/;

/** Finds the disk by what `cairn boot` noted of it, and its partitions by its own table. Throws AgentError `not-a-node`, `live`. */
export async function findNodeDisk(files: Files): Promise<NodeDisk> {
  const record = parseBootRecord((await files.readText(BOOT_RECORD)) ?? '');
  if (record === undefined) throw new AgentError('not-a-node', 'this machine was not booted by Cairn');
  const { disk: device, slot: booted } = record;
  if (booted === LIVE_SLOT) {
    throw new AgentError('live', `this is a live system, booted from ${device}: there is nothing to change`, {
      hint: 'Put it on a disk: `cairn install`.',
    });
  }
  return { device, booted, partitions: await partitionsOf(files, device.slice('/dev/'.length)) };
}

/** The partitions of a disk that the kernel knows, by the disk's own table. */
export async function partitionsOf(files: Files, disk: string): Promise<NodePartition[]> {
  const table = await readTable(files, disk);
  const partitions: NodePartition[] = [];
  for (const name of await files.list(`${SYSFS}/${disk}`)) {
    const start = await readNumber(files, `${SYSFS}/${disk}/${name}/start`);
    const entry = table.partitions.find((each) => each.start === start * KERNEL_SECTOR);
    if (entry === undefined) continue;
    const { label, uuid, size } = entry;
    partitions.push({ label, device: `/dev/${name}`, uuid, size });
  }
  return partitions;
}

/** The one partition of a label. Throws AgentError `unfit` where there is none, `ambiguous` where there are several. */
export function partitionOf({ device, partitions }: NodeDisk, label: string): NodePartition {
  const [found, another] = partitions.filter((each) => each.label === label);
  if (found === undefined) {
    throw new AgentError('unfit', `${device} has no partition ${label}`, {
      hint: 'The first boot makes it, where the disk is large enough.',
    });
  }
  if (another === undefined) return found;
  throw new AgentError(
    'ambiguous',
    `${device} has two partitions labelled ${label}: ${found.device} and ${another.device}`,
    { hint: 'Give the one that is not this node’s another label, with sgdisk or parted.' },
  );
}

/**
 * Checks that what is written to is what boots: the loader was started from this disk, and no other disk is a copy of it.
 * Other disks may have the same labels, not the same ids.
 *
 * @throws AgentError `ambiguous`
 */
export async function checkSameDisk(files: Files, disk: NodeDisk): Promise<void> {
  const esp = partitionOf(disk, 'ESP');
  const variable = await files.read(LOADER_PARTITION);
  const booted =
    variable && new TextDecoder('utf-16le').decode(variable.subarray(4)).replaceAll('\0', '').toLowerCase();
  if (booted !== undefined && booted !== '' && booted !== esp.uuid) {
    throw new AgentError(
      'ambiguous',
      `the boot loader was started from the partition ${booted}, the root is on ${disk.device}, whose ESP is ${esp.uuid}`,
      { hint: 'Two disks have this system. Detach one of them, and boot again.' },
    );
  }
  const own = new Set(disk.partitions.map(({ uuid }) => uuid));
  for (const name of await files.list(SYSFS)) {
    if (NO_DISKS.test(name) || `/dev/${name}` === disk.device) continue;
    if ((await files.stat(`${SYSFS}/${name}/partition`)) !== undefined) continue;
    for (const { uuid, label } of await tableOrNothing(files, name)) {
      if (!own.has(uuid)) continue;
      throw new AgentError(
        'ambiguous',
        `/dev/${name} is a copy of ${disk.device}: both have the partition ${label}, ${uuid}`,
        {
          hint: 'Detach one of the two disks: the firmware may boot from either.',
        },
      );
    }
  }
}

/** A disk that is no GPT, or cannot be read, is no copy of ours. */
export async function tableOrNothing(files: Files, disk: string): Promise<Gpt['partitions']> {
  try {
    return (await readTable(files, disk)).partitions;
  } catch (error) {
    if (error instanceof CairnError) return [];
    throw error;
  }
}

async function readTable(files: Files, disk: string): Promise<Gpt> {
  const sectorSize = await readNumber(files, `${SYSFS}/${disk}/queue/logical_block_size`);
  await using device = await files.open(`/dev/${disk}`, 'read');
  return await parseGpt(device, { sectorSize: sectorSize === 4096 ? 4096 : 512 });
}

async function readNumber(files: Files, path: string): Promise<number> {
  return Number.parseInt((await files.readText(path)) ?? '', 10);
}
