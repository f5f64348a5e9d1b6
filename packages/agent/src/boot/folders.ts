import { dirname } from 'node:path';
import type { EarlyHost } from '@cairn/host';
import type { FolderStep, PathsPlan, SeedStep } from './plan.ts';
import { mustRunEarly } from './programs.ts';

/**
 * Makes the folders of a plan, and fills those that begin as copies of the image's. Each gets its name once it is
 * whole and on the disk, so that a power cut leaves a folder or none, never a part of one.
 *
 * @throws HostError, AgentError `bad-boot`
 */
export async function makeFolders(host: EarlyHost, plan: PathsPlan, backing: string): Promise<void> {
  for (const folder of plan.folders) await makeFolder(host, folder);
  for (const seed of plan.seeds) await copyBeside(host, seed);
  if (plan.seeds.length > 0) await mustRunEarly(host, ['sync', '--file-system', backing]);
  for (const { to } of plan.seeds) await host.files.rename(beside(to), to);
}

/** A rename may reach the disk before the data of what is renamed (ext4's delayed allocation): so not before all is flushed. */
function beside(path: string): string {
  return `${path}.new`;
}

async function makeFolder({ files }: EarlyHost, { path, mode, uid, gid }: FolderStep): Promise<void> {
  if ((await files.lstat(path)) !== undefined) return;
  const fresh = beside(path);
  await files.remove(fresh);
  await files.makeDirectory(fresh, mode);
  if (uid !== 0 || gid !== 0) await files.setOwner(fresh, uid, gid);
  // Less the umask; and a change of owner may have taken bits away.
  if ((await files.lstat(fresh))?.mode !== mode) await files.setMode(fresh, mode);
  await files.rename(fresh, path);
}

async function copyBeside(host: EarlyHost, { from, to }: SeedStep): Promise<void> {
  const fresh = beside(to);
  await host.files.remove(fresh);
  await host.files.makeDirectory(dirname(fresh));
  await mustRunEarly(host, ['cp', '-a', from, fresh]);
}
