import { basename } from 'node:path';
import type { EarlyFiles, EarlyHost } from '@cairn/host';
import { AgentError } from '../error.ts';
import type { SystemDisk } from './disk.ts';
import { type MountFailure, mountAll } from './mount.ts';
import { IMAGE, LIVE_SLOT, MEDIUM_LINK, VOLATILE } from './places.ts';

/** The live medium that was booted, whole; undefined on a node, which boots from a disk. */
export async function findMedium(files: EarlyFiles): Promise<SystemDisk | undefined> {
  const link = await files.readLink(MEDIUM_LINK);
  if (link === undefined) return undefined;
  // What else is on the medium is nothing that a system runs with.
  return { device: `/dev/${basename(link)}`, slot: LIVE_SLOT, partitions: new Map() };
}

/** All that is not the image is in memory, OEM too: what a live system is told is for this boot. */
export async function mountLive(host: EarlyHost, root: string): Promise<void> {
  const failure = await mountAll(host, 'base', [
    // Private: what is mounted over the root afterwards must not show up in here too.
    { source: root, target: IMAGE, type: 'none', options: ['bind', 'ro', 'private'] },
    { source: 'tmpfs', target: VOLATILE, type: 'tmpfs', options: ['mode=0755', 'nodev', 'size=25%'] },
    { source: 'tmpfs', target: `${root}/oem`, type: 'tmpfs', options: ['mode=0755', 'nodev', 'size=5%'] },
  ]);
  const [target] = failure?.targets ?? [];
  if (target !== undefined) throw mountError(target, failure);
}

export function mountError(target: string, failure: MountFailure | undefined): AgentError {
  return new AgentError('mount-failed', `${target} could not be mounted: ${failure?.said}`);
}
