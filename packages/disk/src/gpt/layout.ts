import { alignUp, formatBytes } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { encodeGuid } from './guid.ts';

/** Type ids of the UAPI Discoverable Partitions Specification. */
export const PARTITION_TYPE = {
  esp: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  rootX86_64: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
  linuxGeneric: '0fc63daf-8483-4772-8e79-3d69d8477de4',
} as const;

/** The logical sector of a disk in bytes. */
export type SectorSize = 512 | 4096;

/** What a partition is, wherever it lies. UUIDs are in lower case. */
export interface PartitionIdentity {
  /** At most 36 UTF-16 code units. */
  readonly label: string;
  /** The type GUID; see `PARTITION_TYPE`. */
  readonly type: string;
  readonly uuid: string;
  /** The 64 attribute bits of UEFI 2.10, section 5.3.3. */
  readonly attributes?: bigint;
}

export interface PartitionRequest extends PartitionIdentity {
  /** Bytes; rounded up to 1 MiB. */
  readonly size: number;
}

/** A partition in its place. Positions and sizes are in bytes. */
export interface Partition extends PartitionIdentity {
  readonly start: number;
  readonly size: number;
}

export interface DiskRequest {
  /** The disk in bytes, a multiple of the sector size. Without it, the disk is as small as its partitions allow. */
  readonly size?: number;
  readonly sectorSize?: SectorSize;
  readonly diskUuid: string;
  readonly partitions: readonly PartitionRequest[];
}

/** Where everything on a disk is. Positions and sizes are in bytes. */
export interface DiskLayout {
  readonly sectorSize: SectorSize;
  readonly size: number;
  /** The smallest disk that these partitions fit on. */
  readonly minimalSize: number;
  readonly diskUuid: string;
  readonly partitions: readonly Partition[];
}

const ALIGNMENT = 1 << 20;

/** Entries that a table has room for: the least that UEFI asks for, and what every tool writes. */
export const ENTRY_COUNT = 128;
export const ENTRY_SIZE = 128;
export const LABEL_UNITS = 36;

/**
 * Puts partitions one after another, each starting at a multiple of 1 MiB, and leaves the last MiB of the disk
 * to the backup table (UEFI 2.10, section 5.3).
 *
 * @throws DiskError `gpt-too-small` when they do not fit on a disk of `size`, `gpt-invalid-request` for a bad
 * UUID, a label that is too long, a size of zero, or two partitions with one UUID
 */
export function planDisk(request: DiskRequest): DiskLayout {
  const sectorSize = request.sectorSize ?? 512;
  checkRequest(request);
  const partitions: Partition[] = [];
  let end = ALIGNMENT;
  for (const { size, ...identity } of request.partitions) {
    const whole = alignUp(size, ALIGNMENT);
    partitions.push({
      ...identity,
      type: identity.type.toLowerCase(),
      uuid: identity.uuid.toLowerCase(),
      start: end,
      size: whole,
    });
    end += whole;
  }
  const minimalSize = end + ALIGNMENT;
  const size = request.size ?? minimalSize;
  if (size < minimalSize) {
    throw new DiskError(
      'gpt-too-small',
      `a disk of ${formatBytes(size)} is too small: its partitions need ${formatBytes(minimalSize)} (${minimalSize} bytes)`,
      { hint: 'Take a larger disk or smaller partitions.' },
    );
  }
  if (!Number.isSafeInteger(size) || size % sectorSize !== 0) {
    throw new DiskError(
      'gpt-invalid-request',
      `a disk of ${size} bytes is not a whole number of ${sectorSize}-byte sectors`,
    );
  }
  return { sectorSize, size, minimalSize, diskUuid: request.diskUuid.toLowerCase(), partitions };
}

function checkRequest(request: DiskRequest): void {
  encodeGuid(request.diskUuid);
  if (request.partitions.length > ENTRY_COUNT) {
    throw new DiskError(
      'gpt-invalid-request',
      `${request.partitions.length} partitions are more than the table's ${ENTRY_COUNT}`,
    );
  }
  const uuids = new Set<string>();
  for (const { label, type, uuid, size } of request.partitions) {
    encodeGuid(type);
    encodeGuid(uuid);
    if (label.length > LABEL_UNITS || label.includes('\0')) {
      throw new DiskError(
        'gpt-invalid-request',
        `the partition label "${label}" is over ${LABEL_UNITS} characters or has a NUL`,
      );
    }
    if (!Number.isSafeInteger(size) || size <= 0) {
      throw new DiskError('gpt-invalid-request', `partition "${label}" has a size of ${size} bytes`);
    }
    if (uuids.has(uuid.toLowerCase())) {
      throw new DiskError('gpt-invalid-request', `partition "${label}" has the UUID of another one, ${uuid}`);
    }
    uuids.add(uuid.toLowerCase());
  }
}
