import type { EarlyFiles } from '@cairn/host';
import { resolveInside } from './inside.ts';
import { WATCHDOG } from './places.ts';

/** Below the kept /var/log. systemd-journald writes where this folder is there, and to memory otherwise. */
const JOURNAL = '/var/log/journal';

/**
 * What an init that is systemd is told: that the watchdog may be armed, since it will feed it, and, where /var/log is kept, that
 * the journal is too, so that the boot after this one can look at it.
 *
 * @param commandLine the kernel's, which names the init
 */
export async function prepareSystemd(
  files: EarlyFiles,
  root: string,
  commandLine: string,
  isKept: boolean,
): Promise<void> {
  const init = /(?:^|\s)init=(\S+)/.exec(commandLine)?.[1];
  if (init === undefined) return;
  if ((await resolveInside(files, root, init))?.endsWith('/systemd/systemd') !== true) return;
  await files.write(WATCHDOG, '');
  if (!isKept || (await files.stat(`${root}/var/log`)) === undefined) return;
  if ((await files.stat(root + JOURNAL)) === undefined) await files.makeDirectory(root + JOURNAL);
}
