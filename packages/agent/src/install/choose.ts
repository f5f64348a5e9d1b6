import { basename, dirname, resolve } from 'node:path';
import { formatBytes } from '@cairn/bytes';
import type { Files, Host } from '@cairn/host';
import { lastLine } from '../boot/programs.ts';
import { AgentError } from '../error.ts';
import { type DiskFacts, isPartition, readDisks } from './disks.ts';

export interface ChooseOptions {
  /** `auto`, a device's path or a link to one, or `script://PATH`, which prints one. */
  readonly device: string;
  /** What the partitions need, in bytes. */
  readonly minimalSize: number;
  readonly signal?: AbortSignal | undefined;
}

const SCRIPT = 'script://';
const SCRIPT_TIMEOUT_MS = 5 * 60_000;
const NAME_HINT = 'Name the disk, and all that it holds is lost: `--device /dev/disk/by-id/…`.';

/**
 * The disk to install on. `auto` is the largest that is built in, empty and not in use, as Kairos's but for the last two; of
 * several as large, the first by name. A disk that is named may hold data, but not be in use.
 *
 * @throws AgentError which says of each disk why it is not taken
 */
export async function chooseDisk(host: Host, options: ChooseOptions): Promise<DiskFacts> {
  const { device, minimalSize, signal } = options;
  if (device === 'auto') return chooseLargest(await readDisks(host.files, signal), minimalSize);
  const path = device.startsWith(SCRIPT)
    ? await askScript(host, device.slice(SCRIPT.length), signal)
    : device;
  const name = await nameOf(host.files, path);
  const disk = (await readDisks(host.files, signal)).find((facts) => facts.name === name);
  if (disk === undefined) throw await noDisk(host.files, path, name);
  return checkNamed(disk, minimalSize);
}

/** Pure: the choice of `auto`. */
export function chooseLargest(disks: readonly DiskFacts[], minimalSize: number): DiskFacts {
  const fit = disks.filter((disk) => reasonAgainst(disk, minimalSize) === undefined);
  const [first] = fit.sort((a, b) => b.size - a.size);
  if (first !== undefined) return first;
  const physical = disks.filter(({ isPhysical }) => isPhysical);
  if (physical.length === 0) {
    throw new AgentError('no-disk', 'there is no disk to install on', {
      hint: 'The kernel may lack the driver for it: `ls /sys/class/block` shows what it has found.',
    });
  }
  const reasons = physical.map(
    (disk) => `${disk.device} (${formatBytes(disk.size)}) ${reasonAgainst(disk, minimalSize)}`,
  );
  throw new AgentError('no-disk', `there is no disk that can be taken unasked: ${reasons.join('; ')}`, {
    hint: NAME_HINT,
  });
}

/** Why `auto` does not take a disk, as the rest of a sentence about it. */
function reasonAgainst(disk: DiskFacts, minimalSize: number): string | undefined {
  if (!disk.isPhysical) return 'is not a disk';
  if (disk.isRemovable) return 'is removable';
  if (disk.isReadOnly) return 'cannot be written to';
  if (disk.user !== undefined) return `is in use: ${disk.user}`;
  if (disk.size < minimalSize) return `is too small: ${formatBytes(minimalSize)} are needed`;
  if (disk.content !== undefined) return `holds ${disk.content}`;
  if (!isKnownSector(disk.sectorSize)) return `has sectors of ${disk.sectorSize} bytes`;
  return undefined;
}

/** Pure: a disk that a person has named may hold data, which is lost. */
export function checkNamed(disk: DiskFacts, minimalSize: number): DiskFacts {
  const { device, user, size, sectorSize } = disk;
  if (user !== undefined) {
    throw new AgentError('disk-in-use', `${device} is in use: ${user}`, {
      hint: 'Unmount what is on it first, or name another disk.',
    });
  }
  if (disk.isReadOnly) throw new AgentError('disk-unfit', `${device} cannot be written to`);
  if (!isKnownSector(sectorSize)) {
    throw new AgentError(
      'disk-unfit',
      `${device} has sectors of ${sectorSize} bytes: they must have 512 or 4096`,
    );
  }
  if (size >= minimalSize) return disk;
  throw new AgentError(
    'disk-too-small',
    `${device} has ${formatBytes(size)}: the partitions need ${formatBytes(minimalSize)}`,
    { hint: 'Take a larger disk, or build the release with a smaller `--slot-size`.' },
  );
}

function isKnownSector(size: number): size is 512 | 4096 {
  return size === 512 || size === 4096;
}

/** The name in sysfs of what a path leads to. */
async function nameOf(files: Files, path: string): Promise<string> {
  let place = resolve('/', path);
  for (let links = 0; links < 16; links++) {
    if ((await files.lstat(place))?.kind !== 'symlink') break;
    const target = await files.readLink(place);
    if (target === undefined) break;
    place = resolve(dirname(place), target);
  }
  return place.startsWith('/dev/') ? place.slice('/dev/'.length).replaceAll('/', '!') : '';
}

async function noDisk(files: Files, path: string, name: string): Promise<AgentError> {
  if (name !== '' && (await isPartition(files, name))) {
    return new AgentError('no-disk', `${path} is a partition: a system is installed on a whole disk`);
  }
  return new AgentError('no-disk', `there is no disk ${path}`, {
    hint: 'Disks are in /dev/disk/by-id and /dev/disk/by-path by names that stay the same.',
  });
}

async function askScript(host: Host, path: string, signal: AbortSignal | undefined): Promise<string> {
  if (!path.startsWith('/')) {
    throw new AgentError('bad-request', `"${SCRIPT}${path}" names no script by a whole path`, {
      hint: `Write ${SCRIPT}/path/of/script.`,
    });
  }
  const { exitCode, stdout, stderr } = await host.programs.run([path], {
    timeoutMs: SCRIPT_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  if (exitCode !== 0) {
    throw new AgentError(
      'script-failed',
      `${basename(path)}, which is to name the disk, ended with ${exitCode}: ${lastLine(stderr)}`,
    );
  }
  const lines = stdout.split('\n').map((line) => line.trim());
  const [device, ...more] = lines.filter((line) => line !== '');
  if (device?.startsWith('/') && more.length === 0) return device;
  throw new AgentError(
    'script-failed',
    `${basename(path)} is to print the path of one disk, and printed ${JSON.stringify(stdout.slice(0, 200))}`,
  );
}
