import { basename } from 'node:path';
import { type Files, HostError, parseMountInfo } from '@cairn/host';
import { contentOf } from './signatures.ts';

/** A disk as the kernel and its own bytes tell of it. */
export interface DiskFacts {
  /** As in `vda`. */
  readonly name: string;
  /** As in `/dev/vda`. */
  readonly device: string;
  /** In bytes. */
  readonly size: number;
  /** Of its logical sectors, in bytes. */
  readonly sectorSize: number;
  /** False for what the kernel makes of other devices or of memory (device-mapper, loop, md, ram), for CD and floppy drives, and for the parts of an eMMC that are not for data. */
  readonly isPhysical: boolean;
  readonly isRemovable: boolean;
  readonly isReadOnly: boolean;
  readonly model: string | undefined;
  /** What uses it, in words; undefined if nothing does. */
  readonly user: string | undefined;
  /** What it holds, in words; undefined if it is empty. */
  readonly content: string | undefined;
}

const SYSFS = '/sys/class/block';
/** The kernel counts in these, whatever the disk's own sectors are. */
const KERNEL_SECTOR = 512;
const NO_DISK = /^(?:sr|scd|fd|nbd|mtdblock)\d|^mmcblk\d+(?:boot|rpmb|gp)/;

/** What may use a disk, read once for all of them. */
interface Users {
  /** By `major:minor`, and by device node. */
  readonly mounts: ReadonlyMap<string, string>;
  readonly swaps: ReadonlySet<string>;
  /** Loop devices by the file or device below them. */
  readonly loops: ReadonlyMap<string, string>;
}

/** All whole disks, in the order of their names. */
export async function readDisks(files: Files, signal?: AbortSignal): Promise<DiskFacts[]> {
  const names = await files.list(SYSFS);
  const users = await readUsers(files, names);
  const disks: DiskFacts[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    if (await isPartition(files, name)) continue;
    disks.push(await readDisk(files, name, users, signal));
  }
  return disks.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** Whether a name of sysfs is a part of a disk. */
export async function isPartition(files: Files, name: string): Promise<boolean> {
  return (await files.readText(`${SYSFS}/${name}/partition`)) !== undefined;
}

async function readDisk(
  files: Files,
  name: string,
  users: Users,
  signal: AbortSignal | undefined,
): Promise<DiskFacts> {
  const folder = `${SYSFS}/${name}`;
  const device = `/dev/${name.replaceAll('!', '/')}`;
  const place = (await files.readLink(folder)) ?? '';
  const size = (await readNumber(files, `${folder}/size`)) * KERNEL_SECTOR;
  const isPhysical = !place.includes('/virtual/block/') && !NO_DISK.test(name);
  return {
    name,
    device,
    size,
    sectorSize: (await readNumber(files, `${folder}/queue/logical_block_size`)) || KERNEL_SECTOR,
    isPhysical,
    isRemovable: (await readNumber(files, `${folder}/removable`)) === 1,
    isReadOnly: (await readNumber(files, `${folder}/ro`)) === 1,
    model: (await files.readText(`${folder}/device/model`))?.trim() || undefined,
    user: await userOf(files, name, users),
    // Others are not read: a CD drive without a disc fails, and takes its time to.
    content: isPhysical && size > 0 ? await readContent(files, device, signal) : undefined,
  };
}

async function readContent(files: Files, device: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    await using disk = await files.open(device, 'read');
    return await contentOf(disk, signal);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return `what cannot be read (${error.message})`;
  }
}

async function readUsers(files: Files, names: readonly string[]): Promise<Users> {
  const mounts = new Map<string, string>();
  for (const { device, source, target } of parseMountInfo(
    (await files.readText('/proc/self/mountinfo')) ?? '',
  )) {
    mounts.set(device, target);
    // A Btrfs has a number of its own, but tells one of its devices.
    if (source.startsWith('/dev/')) mounts.set(source, target);
  }
  const swaps = ((await files.readText('/proc/swaps')) ?? '').split('\n').slice(1);
  const loops = new Map<string, string>();
  for (const name of names) {
    const below = (await files.readText(`${SYSFS}/${name}/loop/backing_file`))?.trim();
    if (below !== undefined) loops.set(below, name);
  }
  return { mounts, swaps: new Set(swaps.map((line) => line.split(/\s/)[0] ?? '')), loops };
}

/** Who uses a disk or one of its partitions. */
async function userOf(files: Files, name: string, users: Users): Promise<string | undefined> {
  const parts = [];
  for (const entry of await files.list(`${SYSFS}/${name}`)) {
    if (await isPartition(files, entry)) parts.push(entry);
  }
  for (const part of [name, ...parts]) {
    const folder = part === name ? `${SYSFS}/${name}` : `${SYSFS}/${name}/${part}`;
    const device = `/dev/${part.replaceAll('!', '/')}`;
    const number = (await files.readText(`${folder}/dev`))?.trim() ?? '';
    const target = users.mounts.get(number) ?? users.mounts.get(device);
    if (target !== undefined) return `${device} is mounted at ${target}`;
    if (users.swaps.has(device)) return `${device} is swap space in use`;
    const loop = users.loops.get(device);
    if (loop !== undefined) return `/dev/${loop} lies on ${device}`;
    const [holder] = await files.list(`${folder}/holders`);
    if (holder !== undefined) return `/dev/${basename(holder)} lies on ${device}`;
  }
  return undefined;
}

/** 0 where there is no such file. */
async function readNumber(files: Files, path: string): Promise<number> {
  return Number.parseInt((await files.readText(path)) ?? '', 10) || 0;
}
