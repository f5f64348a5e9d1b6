import { CairnError } from '@cairn/bytes';
import type { EarlyHost } from '@cairn/host';
import type { SystemDisk } from '../boot/disk.ts';
import { OEM_LABEL, PERSISTENT, PERSISTENT_LABEL, RUN } from '../boot/places.ts';
import { mustRunEarly } from '../boot/programs.ts';
import { stateFolder } from '../paths/map.ts';
import { withAction } from '../state/change.ts';
import { changeState } from '../state/store.ts';
import { parseReset, RESET_FILE, RESET_LIMIT, type ResetRequest } from './request.ts';

const OEM = `${RUN}/reset-oem`;
/** Below OEM: what the node remembers of releases outlives a reset. */
const STATE = '.cairn';
const OPTIONS = 'nodev,noatime';

/**
 * Does a reset that was asked for, in the initrd of a recovery boot: nothing of the partitions is in use there. The request
 * is the journal: it goes when all is done, and every step can be done again.
 *
 * @returns whether there was one, and it was done; what went wrong is among the problems, and the request stays
 */
export async function performReset(host: EarlyHost, disk: SystemDisk, problems: string[]): Promise<boolean> {
  const oem = disk.partitions.get(OEM_LABEL);
  const persistent = disk.partitions.get(PERSISTENT_LABEL);
  if (oem === undefined || persistent === undefined) return false;
  try {
    return await withMount(host, oem, OEM, async () => {
      const file = `${OEM}/${STATE}/${RESET_FILE}`;
      const bytes = await host.files.read(file, RESET_LIMIT);
      if (bytes === undefined) return false;
      const began = host.clock.monotonic();
      const request = parseReset(bytes);
      await resetPersistent(host, persistent, request);
      if (request.oem) await removeOthers(host, OEM, new Set([STATE]));
      const detail = `reset: ${describeReset(request)}`;
      const took = Math.round(host.clock.monotonic() - began);
      const action = { kind: 'reset', at: request.at, took, result: 'done' as const, detail };
      await changeState(host.files, (state) => withAction(state, action), `${OEM}/${STATE}`);
      await host.files.remove(file);
      await host.files.sync(`${OEM}/${STATE}`);
      return true;
    });
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    problems.push(
      `the reset was not done, and is tried again by the next boot of recovery: ${error.message}`,
    );
    return false;
  }
}

export function describeReset({ keep, identity, oem }: ResetRequest): string {
  const kept = [...(identity ? ['the identity'] : []), ...keep];
  return `persistent${oem ? ' and OEM' : ''} made anew, ${kept.length === 0 ? 'nothing kept' : `kept: ${kept.join(', ')}`}`;
}

async function resetPersistent(host: EarlyHost, device: string, request: ResetRequest): Promise<void> {
  const paths = [...request.keep, ...(request.identity ? ['/etc/ssh'] : [])];
  if (paths.length === 0 && !request.identity) {
    await mustRunEarly(host, ['mkfs.ext4', '-q', '-F', '-L', PERSISTENT_LABEL, device]);
    return;
  }
  await withMount(host, device, PERSISTENT, async () => {
    await removeOthers(host, PERSISTENT, new Set(['state', ...(request.identity ? ['identity'] : [])]));
    const kept = new Set(paths.map((path) => stateFolder(path).slice('state/'.length)));
    await removeOthers(host, `${PERSISTENT}/state`, kept);
    await mustRunEarly(host, ['sync', '--file-system', PERSISTENT]);
  });
}

async function removeOthers({ files }: EarlyHost, folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await files.list(folder)) {
    if (!kept.has(name) && name !== 'lost+found') await files.remove(`${folder}/${name}`);
  }
}

async function withMount<T>(
  host: EarlyHost,
  device: string,
  target: string,
  work: () => Promise<T>,
): Promise<T> {
  await host.files.makeDirectory(target);
  await mustRunEarly(host, ['mount', '-t', 'ext4', '-o', OPTIONS, device, target]);
  try {
    return await work();
  } finally {
    await mustRunEarly(host, ['umount', target]);
  }
}
