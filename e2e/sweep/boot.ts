import type { BootDisk } from '@cairn/sweep';
import { TestkitError } from '@cairn/testkit';
import { BOOT_LIMIT_MS, startNode } from '../support/node.ts';

/** What the initrd prints of the release that comes up: the first 16 digits of its root hash. */
const BOOTED = /Cairn: booting \S+, root ([0-9a-f]{16}) verified/;
/** What firmware or loader print where there is nothing that they could start, and the initrd where it refuses. */
const NOTHING = /Cairn: this boot is refused|BdsDxe: No bootable option|>>Start PXE|Shell>/;

/**
 * Boots a disk in a machine, from the firmware on, until it is clear which of the releases comes up: then the power goes.
 *
 * @param rootHashes of all releases that may be on the disk
 */
export function bootInMachine(rootHashes: readonly string[]): BootDisk {
  return async (disk, signal) => {
    await using machine = await startNode(disk, { signal });
    try {
      const match = await machine.console.waitFor(BOOTED, {
        timeoutMs: BOOT_LIMIT_MS,
        failOn: [NOTHING],
        signal,
      });
      return rootHashes.find((hash) => hash.startsWith(match[1] ?? '-')) ?? match[1];
    } catch (error) {
      if (error instanceof TestkitError && error.code === 'console-failure') return undefined;
      throw error;
    }
  };
}
