import { posix } from 'node:path';
import { AgentError } from '../error.ts';
import { UNFINISHED } from '../loader/load.ts';
import { digestOfFile, putFile } from './files.ts';
import type { Run } from './run.ts';
import type { ReplaceLoader } from './steps.ts';

/**
 * Puts a boot loader in place of a copy on the ESP, and reads it back. FAT frees what a file that is replaced had, and that may
 * reach the disk before the folder does: while the old file is open, it does not (Linux, fat_evict_inode). So the folder has
 * the old loader, whole, or the new one.
 */
export async function replaceLoader(step: ReplaceLoader, run: Run): Promise<void> {
  const { host, esp, signal } = run;
  const { files } = host;
  const target = `${esp.path}/${step.path}`;
  const folder = posix.dirname(step.path);
  // After a roll-back it may be another one: then that is not what was planned.
  if ((await digestOfFile(files, step.source, signal))?.sha256 !== step.loader.sha256) return;
  await files.makeDirectory(`${esp.path}/${folder}`);
  try {
    const isThere = (await files.stat(target)) !== undefined;
    await using _old = isThere ? await files.open(target, 'read') : undefined;
    await using source = await files.open(step.source, 'read');
    await putFile(run, step.path, source);
    await esp.flush(folder);
  } catch (error) {
    await files.remove(`${target}${UNFINISHED}`);
    throw error;
  }
  await esp.remount();
  const found = await digestOfFile(files, target, signal);
  if (found?.sha256 === step.loader.sha256) return;
  throw new AgentError('not-verified', `${step.path}, read back from the ESP, is not the boot loader`, {
    hint: 'The disk is damaged. The other copy of the boot loader is as it was.',
  });
}
