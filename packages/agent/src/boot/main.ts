import { CairnError } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { boot } from './boot.ts';
import { describeBoot } from './describe.ts';

/**
 * What the initrd runs: `cairn boot` alone, as a program of its own. Each boot waits for it, and without the
 * other commands it starts in half the time.
 */
try {
  console.log(describeBoot(await boot(realHost(), { root: process.argv[2] ?? '/sysroot' })));
} catch (error) {
  if (!(error instanceof CairnError)) throw error;
  console.error(`Cairn: ${error.message}`);
  process.exitCode = 1;
}
