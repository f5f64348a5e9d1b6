import { type EarlyHost, HostError } from '@cairn/host';
import { AgentError } from '../error.ts';
import { stateFolder, WRITABLE_PATHS } from '../paths/map.ts';
import type { SystemDisk } from './disk.ts';
import { makeFolders } from './folders.ts';
import { mountError } from './live.ts';
import { mountAll } from './mount.ts';
import { prepareFileSystem } from './partitions.ts';
import { IMAGE, OEM_LABEL, PERSISTENT, PERSISTENT_LABEL, VOLATILE } from './places.ts';
import { type ImageFolders, type PathsPlan, planKept, planVolatile } from './plan.ts';

/** Whether there is a partition for what is kept. A live system has none, and that is as it should be. */
export type Persistence = 'there' | 'missing' | 'live';

/** The image without anything over it, memory for what is volatile, and the two partitions. Gives whether the persistent one can be used. */
export async function mountBase(
  host: EarlyHost,
  root: string,
  disk: SystemDisk,
  problems: string[],
): Promise<Persistence> {
  const persistent = await prepareFileSystem(host, disk, PERSISTENT_LABEL, PERSISTENT, problems);
  const oem = await prepareFileSystem(host, disk, OEM_LABEL, `${root}/oem`, problems);
  const failure = await mountAll(host, 'base', [
    // Private: what is mounted over the root afterwards must not show up in here too.
    { source: root, target: IMAGE, type: 'none', options: ['bind', 'ro', 'private'] },
    { source: 'tmpfs', target: VOLATILE, type: 'tmpfs', options: ['mode=0755', 'nodev', 'size=25%'] },
    ...[persistent, oem].filter((mount) => mount !== undefined),
  ]);
  for (const target of failure?.targets ?? []) {
    if (target === IMAGE || target === VOLATILE) throw mountError(target, failure);
    problems.push(`${target} could not be mounted: ${failure?.said}`);
  }
  return persistent !== undefined && !failure?.targets.includes(PERSISTENT) ? 'there' : 'missing';
}

/**
 * Makes all paths writable that are to be. Those in memory have to be there; what goes wrong with kept ones is told.
 *
 * @returns where the kept paths' data is: on the persistent partition if it can be used, else in memory
 */
export async function mountWritable(
  host: EarlyHost,
  root: string,
  persistent: Persistence,
  problems: string[],
): Promise<string> {
  const image = await readImageFolders(host);
  const volatile = planVolatile(root, WRITABLE_PATHS, image);
  await makeFolders(host, volatile, VOLATILE);
  const { plan: kept, backing } = await prepareKept(host, root, image, persistent, problems);
  const failure = await mountAll(host, 'writable', [...volatile.mounts, ...kept.mounts]);
  for (const target of failure?.targets ?? []) {
    if (volatile.mounts.some((mount) => mount.target === target)) throw mountError(target, failure);
    problems.push(`${target.slice(root.length)} could not be mounted: ${failure?.said}`);
  }
  return backing;
}

/** A partition that is full, damaged or read-only fails here, with its first folder; then memory has to do. */
async function prepareKept(
  host: EarlyHost,
  root: string,
  image: ImageFolders,
  persistent: Persistence,
  problems: string[],
): Promise<{ plan: PathsPlan; backing: string }> {
  async function prepare(backing: string): Promise<{ plan: PathsPlan; backing: string }> {
    const plan = planKept(root, WRITABLE_PATHS, image, backing, await madeBefore(host, backing));
    await makeFolders(host, plan, backing);
    return { plan, backing };
  }
  if (persistent === 'live') return prepare(VOLATILE);
  if (persistent === 'missing') {
    problems.push('what should be kept is in memory, until the next reboot');
    return prepare(VOLATILE);
  }
  try {
    return await prepare(PERSISTENT);
  } catch (error) {
    if (!(error instanceof HostError || error instanceof AgentError)) throw error;
    problems.push(`what should be kept is in memory, until the next reboot: ${error.message}`);
    return prepare(VOLATILE);
  }
}

async function readImageFolders(host: EarlyHost): Promise<ImageFolders> {
  const paths = WRITABLE_PATHS.map(({ path }) => path);
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await host.files.lstat(IMAGE + path)] as const)),
  );
}

/** Which kept folders have been made in an earlier boot. */
async function madeBefore(host: EarlyHost, backing: string): Promise<Set<string>> {
  const made = new Set<string>();
  for (const { path } of WRITABLE_PATHS) {
    if ((await host.files.lstat(`${backing}/${stateFolder(path)}/data`)) !== undefined) made.add(path);
  }
  return made;
}
