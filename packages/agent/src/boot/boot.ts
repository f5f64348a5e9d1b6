import { dirname } from 'node:path';
import type { Files, Host } from '@cairn/host';
import { AgentError } from '../error.ts';
import { stateFolder, WRITABLE_PATHS } from '../paths/map.ts';
import type { SystemDisk } from './disk.ts';
import { withUpEntry } from './inittab.ts';
import { type MountFailure, mountAll } from './mount.ts';
import { lastLine, prepareFileSystem, preparePartitions } from './partitions.ts';
import { BOOT_RECORD, IMAGE, OEM_LABEL, PERSISTENT, PERSISTENT_LABEL, RUN, VOLATILE } from './places.ts';
import { type FolderStep, type ImageFolders, planKept, planVolatile, type SeedStep } from './plan.ts';
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
  const persistent = await mountBase(host, root, disk, problems);
  await mountWritable(host, root, persistent, problems);
  await writeIdentity(host, root, backingOf(persistent));
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

/** What kept paths lie on. */
function backingOf(persistent: boolean): string {
  return persistent ? PERSISTENT : VOLATILE;
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

/** The image without anything over it, memory for what is volatile, and the two partitions. Gives whether the persistent one is there. */
async function mountBase(host: Host, root: string, disk: SystemDisk, problems: string[]): Promise<boolean> {
  const persistent = await prepareFileSystem(host, disk, PERSISTENT_LABEL, PERSISTENT, problems);
  const oem = await prepareFileSystem(host, disk, OEM_LABEL, `${root}/oem`, problems);
  const failure = await mountAll(host, 'base', [
    { source: root, target: IMAGE, type: 'none', options: ['bind', 'ro'] },
    { source: 'tmpfs', target: VOLATILE, type: 'tmpfs', options: ['mode=0755', 'nodev', 'size=25%'] },
    ...[persistent, oem].filter((mount) => mount !== undefined),
  ]);
  for (const target of failure?.targets ?? []) {
    if (target === IMAGE || target === VOLATILE) throw mountError(target, failure);
    problems.push(`${target} could not be mounted, what should be kept is in memory: ${failure?.said}`);
  }
  return persistent !== undefined && !failure?.targets.includes(PERSISTENT);
}

/** All paths that can be written to. Those in memory have to be there; a kept one that is not is told of. */
async function mountWritable(
  host: Host,
  root: string,
  persistent: boolean,
  problems: string[],
): Promise<void> {
  const backing = backingOf(persistent);
  const image = await readImageFolders(host);
  const volatile = planVolatile(root, WRITABLE_PATHS, image);
  const kept = planKept(root, WRITABLE_PATHS, image, backing, await madeBefore(host, backing));
  for (const folder of [...volatile.folders, ...kept.folders]) await makeFolder(host, folder);
  for (const seed of kept.seeds) await fill(host, seed);
  const failure = await mountAll(host, 'writable', [...volatile.mounts, ...kept.mounts]);
  for (const target of failure?.targets ?? []) {
    if (volatile.mounts.some((mount) => mount.target === target)) throw mountError(target, failure);
    problems.push(`${target.slice(root.length)} could not be mounted: ${failure?.said}`);
  }
}

function mountError(target: string, failure: MountFailure | undefined): AgentError {
  return new AgentError('mount-failed', `${target} could not be mounted: ${failure?.said}`);
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

async function makeFolder({ files }: Host, { path, mode, uid, gid }: FolderStep): Promise<void> {
  if ((await files.lstat(path)) !== undefined) return;
  await files.makeDirectory(path);
  await files.setOwner(path, uid, gid);
  await files.setMode(path, mode);
}

/** Copies under another name until it is whole, so that a power cut leaves nothing half-filled. */
async function fill({ files, programs }: Host, { from, to }: SeedStep): Promise<void> {
  const fresh = `${to}.new`;
  await files.remove(fresh);
  await files.makeDirectory(dirname(fresh));
  const copied = await programs.run(['cp', '-a', from, fresh]);
  if (copied.exitCode !== 0) {
    throw new AgentError('bad-boot', `${from} could not be copied to ${fresh}: ${lastLine(copied.stderr)}`);
  }
  await files.rename(fresh, to);
}

/** What makes this machine itself, over all upgrades; and an fstab that names nothing of the machine the image was built on. */
async function writeIdentity(host: Host, root: string, backing: string): Promise<void> {
  const { files } = host;
  const kept = `${backing}/identity/machine-id`;
  let machineId = (await files.readText(kept))?.trim();
  if (machineId === undefined || !/^[0-9a-f]{32}$/.test(machineId)) {
    machineId = await newMachineId(files);
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

/** The kernel's random UUID (random(4)) as machine-id(5) has it: 32 hexadecimal digits. */
async function newMachineId(files: Files): Promise<string> {
  const uuid = await files.readText('/proc/sys/kernel/random/uuid');
  if (uuid === undefined)
    throw new AgentError('bad-boot', 'the kernel gives no random UUID: /proc is not mounted');
  return uuid.trim().replaceAll('-', '');
}

/** Has init systems with an inittab say when the boot has come up; systemd and OpenRC have a service for it. */
async function announceUp({ files }: Host, root: string): Promise<void> {
  const inittab = await files.readText(`${root}/etc/inittab`);
  if (inittab !== undefined) await files.replace(`${root}/etc/inittab`, withUpEntry(inittab));
}
