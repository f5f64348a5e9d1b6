import { CairnError } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { boot } from './boot.ts';
import { describeBoot } from './describe.ts';

const RESET_DONE = 3;

/**
 * What the initrd runs: `cairn boot` alone, as a program of its own. Each boot waits for it, and without the
 * other commands it starts in half the time.
 */
try {
  const record = await boot(realHost(), { root: process.argv[2] ?? '/sysroot' });
  console.log(describeBoot(record));
  // By which /init knows that it is to reboot.
  if (record.reset === true) process.exitCode = RESET_DONE;
} catch (error) {
  if (!(error instanceof CairnError)) throw error;
  console.error(`Cairn: ${error.message}`);
  process.exitCode = 1;
}
