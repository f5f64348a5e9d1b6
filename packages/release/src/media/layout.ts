import { formatBytes } from '@cairn/bytes';
import { type DiskLayout, deriveUuid, PARTITION_TYPE, type Partition, planDisk } from '@cairn/disk';
import type { Architecture } from '../architecture.ts';
import { ReleaseError } from '../error.ts';
import { defaultDiskSize, diskSizes, MIB, smallestDiskSize } from '../sizes.ts';

/** The disk that a release is put on: what is not laid out here is made at first boot, by systemd-repart. */
export interface MediaLayout {
  readonly disk: DiskLayout;
  readonly esp: Partition;
  readonly slot: Partition;
}

/** What a release settles of its media. */
export interface ImageFacts {
  /** All ids of a medium are derived from it. */
  readonly rootUuid: string;
  /** Of `root.erofs`, in bytes. */
  readonly rootSize: number;
  /** In bytes. */
  readonly slotSize: number;
  readonly architecture: Architecture;
}

export interface MediaRequest extends Omit<ImageFacts, 'rootSize'> {
  /** The disk in bytes; room for all partitions and 2 GiB of data unless given. */
  readonly size?: number | undefined;
}

/**
 * Lays out ESP and the first slot on a disk.
 *
 * @throws ReleaseError `too-large` when not all partitions of a node fit, `bad-option` for a size that is no number of MiB
 */
export function planMedia(request: MediaRequest): MediaLayout {
  const { rootUuid, architecture, slotSize } = request;
  const sizes = diskSizes(slotSize);
  const size = request.size ?? defaultDiskSize(slotSize);
  const smallest = smallestDiskSize(slotSize);
  if (!Number.isSafeInteger(size) || size <= 0 || size % MIB !== 0) {
    throw new ReleaseError('bad-option', `a disk cannot have ${size} bytes: its size is a multiple of 1 MiB`);
  }
  if (size < smallest) {
    throw new ReleaseError(
      'too-large',
      `the partitions of a node need ${formatBytes(smallest)}, a disk of ${formatBytes(size)} has no room for them`,
      { hint: `Take a larger disk, \`--disk-size ${smallest / MIB}M\` or more, or smaller slots.` },
    );
  }
  const esp = {
    label: 'ESP',
    type: PARTITION_TYPE.esp,
    uuid: deriveUuid(rootUuid, 'esp'),
    size: sizes.esp,
  };
  const slot = {
    label: 'cairn-a',
    type: architecture.rootType,
    uuid: deriveUuid(rootUuid, 'cairn-a'),
    size: slotSize,
  };
  const disk = planDisk({ size, diskUuid: deriveUuid(rootUuid, 'disk'), partitions: [esp, slot] });
  const [placedEsp, placedSlot] = disk.partitions;
  if (placedEsp === undefined || placedSlot === undefined) throw new TypeError('two partitions were planned');
  return { disk, esp: placedEsp, slot: placedSlot };
}
