import { alignUp, formatBytes } from '@cairn/bytes';
import { ReleaseError } from './error.ts';

export const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Sizes of a node's partitions in bytes. */
export interface DiskSizes {
  readonly esp: number;
  readonly slot: number;
  readonly oem: number;
  /** The least: it takes what the others leave. */
  readonly persistent: number;
}

const ESP_SIZE = GIB;
const OEM_SIZE = 64 * MIB;
const SLOT_MINIMUM = 2 * GIB;
const SLOT_STEP = 64 * MIB;
/** Persistent is made on smaller disks too, but not on ones so small that nothing could be done with it. */
const PERSISTENT_MINIMUM = 256 * MIB;
const PERSISTENT_DEFAULT = 2 * GIB;
/** Partitions start at a MiB; each table takes one at its end of the disk. */
const TABLES = 2 * MIB;

/** A node has the UKIs of up to three slots; the rest of the ESP is the loader's and the file system's own. */
const UKI_COUNT = 3;
const ESP_RESERVE = 64 * MIB;

export function diskSizes(slot: number): DiskSizes {
  return { esp: ESP_SIZE, slot, oem: OEM_SIZE, persistent: PERSISTENT_MINIMUM };
}

/**
 * The size of the root slots: the larger of 2 GiB and twice the root, in steps of 64 MiB, so that a system may grow over
 * its years; or as `asked`.
 *
 * @param rootSize bytes of `root.erofs`
 * @throws ReleaseError `too-large` when the root does not fit, `bad-option` for a size that is no number of MiB
 */
export function chooseSlotSize(rootSize: number, asked?: number): number {
  const size = asked ?? Math.max(SLOT_MINIMUM, alignUp(2 * rootSize, SLOT_STEP));
  if (!Number.isSafeInteger(size) || size <= 0 || size % MIB !== 0) {
    throw new ReleaseError('bad-option', `a slot cannot have ${size} bytes: its size is a multiple of 1 MiB`);
  }
  if (rootSize > size) {
    throw new ReleaseError(
      'too-large',
      `the root has ${formatBytes(rootSize)} and does not fit a slot of ${formatBytes(size)}`,
      {
        hint: `Take a larger slot, \`--slot-size ${alignUp(2 * rootSize, SLOT_STEP) / MIB}M\`, or a smaller image.`,
      },
    );
  }
  return size;
}

/** Checks that the ESP has room for the UKIs of all slots. Throws `too-large`. */
export function checkUkiSize(size: number): void {
  const room = Math.floor((ESP_SIZE - ESP_RESERVE) / UKI_COUNT);
  if (size < room) return;
  throw new ReleaseError(
    'too-large',
    `the UKI has ${formatBytes(size)}: only ${formatBytes(room)} are on the ESP for each of ${UKI_COUNT}`,
    { hint: 'Take a kernel with fewer or compressed modules: `--kernel IMAGE`.' },
  );
}

/** The smallest disk that has room for all partitions of a node. */
export function smallestDiskSize(slot: number): number {
  return TABLES + ESP_SIZE + 3 * slot + OEM_SIZE + PERSISTENT_MINIMUM;
}

/** The size of a virtual disk unless another is asked for. */
export function defaultDiskSize(slot: number): number {
  return TABLES + ESP_SIZE + 3 * slot + OEM_SIZE + PERSISTENT_DEFAULT;
}
