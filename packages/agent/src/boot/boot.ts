import { randomUUID } from 'node:crypto';
import type { Host } from '@cairn/host';
import { AgentError } from '../error.ts';
import { stateFolder, WRITABLE_PATHS } from '../paths/map.ts';
import { findSystemDisk, type SystemDisk } from './disk.ts';
import { withUpEntry } from './inittab.ts';
import { bindMount, type MountStep, mountAll } from './mount.ts';
import { BOOT_RECORD, IMAGE, OEM_LABEL, PERSISTENT, PERSISTENT_LABEL, RUN, VOLATILE } from './places.ts';
import { type ImageFolders, type PathsPlan, planKept, planVolatile } from './plan.ts';
import type { BootRecord } from './record.ts';

export interface BootOptions {
  /** Where the verified root is mounted: `/sysroot` in the initrd. */
  readonly root: string;
  readonly signal?: AbortSignal;
}

/**
 * Makes a verified, read-only root into a system that its init can start: the partitions at the first boot, the
 * writable paths, the machine's identity. Runs in the initrd, between mounting the root and switching to it.
 *
 * A persistent partition that cannot be used does not stop the boot: a machine that can be reached and says
 * what is wrong is worth more than one that reboots for ever. Whatever else fails is thrown, and the initrd
 * refuses the boot.
 */
export async function boot(host: Host, options: BootOptions): Promise<BootRecord> {
  const { files } = host;
  const { root } = options;
  const start = host.clock.monotonic();
  const problems: string[] = [];

  const rootHash = readRootHash((await files.readText('/proc/cmdline')) ?? '');
  for (const folder of [RUN, IMAGE, VOLATILE, PERSISTENT]) await files.makeDirectory(folder);
  const { disk, firstBoot } = await preparePartitions(host, problems);

  await mountAll(host, 'base', [
    { ...bindMount(root, IMAGE), options: ['bind', 'ro'] },
    { source: 'tmpfs', target: VOLATILE, type: 'tmpfs', options: ['mode=0755', 'nodev', 'size=25%'] },
  ]);
  const image = await readImageFolders(host);
  await carryOut(host, 'volatile', planVolatile(root, WRITABLE_PATHS, image));

  const persistent = await mountPartition(host, disk, PERSISTENT_LABEL, PERSISTENT, problems);
  await mountPartition(host, disk, OEM_LABEL, `${root}/oem`, problems);
  const backing = persistent ? PERSISTENT : VOLATILE;
  await carryOut(
    host,
    'kept',
    planKept(root, WRITABLE_PATHS, image, backing, await madeBefore(host, backing)),
  );

  await writeIdentity(host, root, backing);
  await announceUp(host, root);
  const record: BootRecord = {
    formatVersion: 1,
    rootHash,
    slot: disk.slot,
    disk: disk.device,
    persistent,
    firstBoot,
    problems,
    took: Math.round(host.clock.monotonic() - start),
  };
  await files.replace(BOOT_RECORD, `${JSON.stringify(record, undefined, 2)}\n`);
  return record;
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

/** The disk as it has to be. A disk image holds only the ESP and slot a: the first boot on a disk makes the rest, as large as the disk allows. */
async function preparePartitions(
  host: Host,
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
  return { disk: after, firstBoot: true };
}

/** Checks and mounts one of the writable partitions. */
async function mountPartition(
  host: Host,
  disk: SystemDisk,
  label: string,
  target: string,
  problems: string[],
): Promise<boolean> {
  const device = disk.partitions.get(label);
  if (device === undefined) {
    problems.push(`${disk.device} has no partition ${label}: what should be kept is in memory`);
    return false;
  }
  // Exit codes 0 and 1: clean, or mended (fsck(8)).
  const check = await host.programs.run(['e2fsck', '-p', device]);
  if (check.exitCode > 1)
    problems.push(`${label} has errors that were not mended: ${lastLine(check.stdout)}`);
  const mount: MountStep = { source: device, target, type: 'ext4', options: ['nodev', 'noatime'] };
  try {
    await mountAll(host, label, [mount]);
    return true;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    problems.push(`${error.message}: what should be kept is in memory`);
    return false;
  }
}

async function readImageFolders(host: Host): Promise<ImageFolders> {
  const paths = WRITABLE_PATHS.map(({ path }) => path);
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await host.files.lstat(IMAGE + path)] as const)),
  );
}

/** Which kept folders have been made in an earlier boot. */
async function madeBefore(host: Host, backing: string): Promise<Set<string>> {
  const made = new Set<string>();
  for (const { path } of WRITABLE_PATHS) {
    if ((await host.files.lstat(`${backing}/${stateFolder(path)}/data`)) !== undefined) made.add(path);
  }
  return made;
}

async function carryOut(host: Host, name: string, plan: PathsPlan): Promise<void> {
  const { files, programs } = host;
  for (const { path, mode, uid, gid } of plan.folders) {
    if ((await files.lstat(path)) !== undefined) continue;
    await files.makeDirectory(path);
    await files.setOwner(path, uid, gid);
    await files.setMode(path, mode);
  }
  for (const { from, to } of plan.seeds) {
    // Under another name until it is whole, so that a power cut leaves nothing half-filled.
    const fresh = `${to}.new`;
    await files.remove(fresh);
    await files.makeDirectory(fresh.slice(0, fresh.lastIndexOf('/')));
    const copied = await programs.run(['cp', '-a', from, fresh]);
    if (copied.exitCode !== 0) {
      throw new AgentError('bad-boot', `${from} could not be copied to ${fresh}: ${lastLine(copied.stderr)}`);
    }
    await files.rename(fresh, to);
  }
  await mountAll(host, name, plan.mounts);
}

/** What makes this machine itself, over all upgrades; and an fstab that names nothing of the machine the image was built on. */
async function writeIdentity(host: Host, root: string, backing: string): Promise<void> {
  const { files } = host;
  const kept = `${backing}/identity/machine-id`;
  let machineId = (await files.readText(kept))?.trim();
  if (machineId === undefined || !/^[0-9a-f]{32}$/.test(machineId)) {
    machineId = randomUUID().replaceAll('-', '');
    await files.makeDirectory(`${backing}/identity`);
    await files.replace(kept, `${machineId}\n`);
  }
  await files.replace(`${root}/etc/machine-id`, `${machineId}\n`, 0o444);
  // The image is complete as it is: systemd need not bring /etc and /var up to date with /usr at each boot,
  // as it would where these are missing or older (systemd.unit(5), ConditionNeedsUpdate=).
  for (const folder of ['etc', 'var']) await files.replace(`${root}/${folder}/.updated`, '');
  await files.replace(
    `${root}/etc/fstab`,
    '# Written by cairn at each boot: all mounts are made before this system starts (see `cairn paths`).\n' +
      '/dev/mapper/root / erofs ro 0 0\n',
  );
}

/** Has init systems with an inittab say when the boot has come up; systemd and OpenRC have a service for it. */
async function announceUp({ files }: Host, root: string): Promise<void> {
  const inittab = await files.readText(`${root}/etc/inittab`);
  if (inittab !== undefined) await files.replace(`${root}/etc/inittab`, withUpEntry(inittab));
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
