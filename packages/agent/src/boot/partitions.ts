import { readExactly, viewOf } from '@cairn/bytes';
import { type EarlyFiles, type EarlyHost, HostError } from '@cairn/host';
import { findSystemDisk, type SystemDisk } from './disk.ts';
import type { MountStep } from './mount.ts';
import { PERSISTENT_LABEL } from './places.ts';
import { lastLine } from './programs.ts';

/** Of ext4's superblock: where it is, its magic number, its state (kernel documentation, ext4, "Super Block"). */
const EXT4 = { superblock: 1024, magicOffset: 0x38, magic: 0xef53, stateOffset: 0x3a, hasErrors: 2 } as const;

/** The disk as it has to be. A disk image holds only the ESP and slot a: the first boot on a disk makes the rest, as large as the disk allows. */
export async function preparePartitions(
  host: EarlyHost,
  problems: string[],
): Promise<{ disk: SystemDisk; firstBoot: boolean }> {
  const disk = await findSystemDisk(host.files);
  if (disk.partitions.has(PERSISTENT_LABEL)) return { disk, firstBoot: false };
  // Without loop devices repart would make each file system in a file first, and here that is memory.
  await host.programs.run(['modprobe', 'loop']);
  // repart makes the file systems before it writes the table: a partition that is there is whole.
  const result = await host.programs.run([
    'systemd-repart',
    '--dry-run=no',
    '--discard=no',
    '--no-pager',
    '--definitions=/usr/lib/repart.d',
    disk.device,
  ]);
  const after = await findSystemDisk(host.files);
  if (result.exitCode !== 0 || !after.partitions.has(PERSISTENT_LABEL)) {
    problems.push(`the partitions of ${disk.device} could not be made: ${lastLine(result.stderr)}`);
  }
  return { disk: after, firstBoot: after.partitions.has(PERSISTENT_LABEL) };
}

/** How to mount one of the writable partitions, which is mended first if its last user has noted errors; undefined where there is none. */
export async function prepareFileSystem(
  host: EarlyHost,
  disk: SystemDisk,
  label: string,
  target: string,
  problems: string[],
): Promise<MountStep | undefined> {
  const device = disk.partitions.get(label);
  if (device === undefined) {
    problems.push(`${disk.device} has no partition ${label}`);
    return undefined;
  }
  try {
    if (await needsCheck(host.files, device)) await mend(host, label, device, problems);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    problems.push(`${label} cannot be used: ${error.message}`);
    return undefined;
  }
  return { source: device, target, type: 'ext4', options: ['nodev', 'noatime'] };
}

/** After a power cut the kernel replays the journal when it mounts; only noted errors, or no ext4 at all, are a case for e2fsck. */
async function needsCheck(files: EarlyFiles, device: string): Promise<boolean> {
  await using file = await files.open(device, 'read');
  const superblock = viewOf(await readExactly(file, EXT4.superblock, 64));
  const isExt4 = superblock.getUint16(EXT4.magicOffset, true) === EXT4.magic;
  return !isExt4 || (superblock.getUint16(EXT4.stateOffset, true) & EXT4.hasErrors) !== 0;
}

/** Mends what can be mended without loss, then what is left whatever it costs. Exit codes 0 and 1: clean, or mended (fsck(8)). */
async function mend(
  { programs }: EarlyHost,
  label: string,
  device: string,
  problems: string[],
): Promise<void> {
  if ((await programs.run(['e2fsck', '-p', device])).exitCode <= 1) return;
  const thorough = await programs.run(['e2fsck', '-y', device]);
  const outcome = thorough.exitCode <= 1 ? 'were mended, and files may be lost' : 'could not be mended';
  problems.push(`${label} had errors, which ${outcome}: ${lastLine(thorough.stdout)}`);
}
