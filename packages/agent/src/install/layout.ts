import {
  type DiskLayout,
  deriveUuid,
  PARTITION_TYPE,
  type Partition,
  type PartitionRequest,
  planDisk,
  type SectorSize,
} from '@cairn/disk';
import { architectureNamed, diskSizes, type Release, smallestDiskSize } from '@cairn/release';
import { AgentError } from '../error.ts';
import type { DiskFacts } from './disks.ts';

export interface PartitionWishes {
  /** Bytes of `COS_OEM`; 64 MiB unless given. */
  readonly oem?: number | undefined;
  /** Bytes of `COS_PERSISTENT`; the rest of the disk unless given, or if it is 0. */
  readonly persistent?: number | undefined;
  /** More partitions, before `COS_PERSISTENT`: `install.extra-partitions`. */
  readonly extra?: readonly { readonly label: string; readonly size: number }[] | undefined;
}

export interface InstallRequest {
  readonly disk: Pick<DiskFacts, 'device' | 'size' | 'sectorSize'>;
  readonly release: Pick<Release, 'slotSize' | 'architecture'>;
  /** What all ids of the disk are derived from: new for each installation, so that no two disks have the same. */
  readonly seed: string;
  readonly wishes?: PartitionWishes | undefined;
}

/** The disk as it will be. */
export interface InstallLayout {
  readonly device: string;
  /** For `encodeGpt`. */
  readonly layout: DiskLayout;
  readonly esp: Partition;
  readonly slotA: Partition;
  readonly slotB: Partition;
  readonly recovery: Partition;
  readonly oem: Partition;
  readonly extra: readonly Partition[];
  readonly persistent: Partition;
}

const MIB = 2 ** 20;
/** The first and the last MiB have the tables. */
const TABLES = 2 * MIB;

/** The bytes that a node's partitions need, persistent being as small as it may be. */
export function minimalDiskSize(slotSize: number, wishes: PartitionWishes = {}): number {
  const { oem, persistent } = diskSizes(slotSize);
  const extra = (wishes.extra ?? []).reduce((sum, { size }) => sum + alignToMib(size), 0);
  return (
    smallestDiskSize(slotSize) +
    extra +
    alignToMib(wishes.oem ?? oem) -
    oem +
    alignToMib(wishes.persistent || persistent) -
    persistent
  );
}

/**
 * Lays out a node's disk as docs/disk-layout.md has it. What the first boot of a disk image makes is made here at once, with
 * the same labels, types and order.
 *
 * @throws AgentError `disk-too-small`, `bad-request` for sizes and labels that cannot be
 */
export function planInstall({ disk, release, seed, wishes = {} }: InstallRequest): InstallLayout {
  checkWishes(wishes);
  const minimal = minimalDiskSize(release.slotSize, wishes);
  if (disk.size < minimal) {
    throw new AgentError(
      'disk-too-small',
      `${disk.device} has ${disk.size} bytes: the partitions need ${minimal}`,
      { hint: 'Take a larger disk, or build the release with a smaller `--slot-size`.' },
    );
  }
  const { rootType } = architectureNamed(release.architecture);
  const { linuxGeneric } = PARTITION_TYPE;
  const sizes = diskSizes(release.slotSize);
  const request = (label: string, type: string, size: number): PartitionRequest => ({
    label,
    type,
    uuid: deriveUuid(seed, label),
    size,
  });
  const before = [
    request('ESP', PARTITION_TYPE.esp, sizes.esp),
    request('cairn-a', rootType, sizes.slot),
    request('cairn-b', rootType, sizes.slot),
    request('cairn-recovery', rootType, sizes.slot),
    request('COS_OEM', linuxGeneric, wishes.oem ?? sizes.oem),
    ...(wishes.extra ?? []).map(({ label, size }) => request(label, linuxGeneric, size)),
  ];
  const taken = before.reduce((sum, { size }) => sum + alignToMib(size), TABLES);
  const rest = Math.floor((disk.size - taken) / MIB) * MIB;
  const persistent = request('COS_PERSISTENT', linuxGeneric, wishes.persistent || rest);
  const layout = planDisk({
    size: disk.size,
    sectorSize: disk.sectorSize as SectorSize,
    diskUuid: deriveUuid(seed, 'disk'),
    partitions: [...before, persistent],
  });
  const [esp, slotA, slotB, recovery, oem, ...others] = layout.partitions;
  const last = others.pop();
  if (!(esp && slotA && slotB && recovery && oem && last)) throw new TypeError('six partitions were planned');
  return {
    device: disk.device,
    layout,
    esp,
    slotA,
    slotB,
    recovery,
    oem,
    extra: others,
    persistent: last,
  };
}

const RESERVED: ReadonlySet<string> = new Set([
  'ESP',
  'cairn-a',
  'cairn-b',
  'cairn-recovery',
  'cairn-live',
  'COS_OEM',
  'COS_PERSISTENT',
]);

function checkWishes({ oem, persistent, extra = [] }: PartitionWishes): void {
  const sized = [
    { label: 'COS_OEM', size: oem ?? MIB },
    { label: 'COS_PERSISTENT', size: persistent || MIB },
    ...extra,
  ];
  for (const { label, size } of sized) {
    if (Number.isSafeInteger(size) && size >= MIB) continue;
    throw new AgentError(
      'bad-request',
      `the partition ${label} cannot have ${size} bytes: 1 MiB is the least`,
    );
  }
  const labels = new Set(RESERVED);
  for (const { label } of extra) {
    if (label === '' || label.length > 36 || labels.has(label)) {
      throw new AgentError(
        'bad-request',
        `a partition cannot be labelled "${label}": it is taken, empty or longer than 36 characters`,
      );
    }
    labels.add(label);
  }
}

function alignToMib(size: number): number {
  return Math.ceil(size / MIB) * MIB;
}
