import { formatBytes } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { type FatSectorSize, FIRST_CLUSTER, MIN_CLUSTERS } from './format.ts';

/** How a volume is divided. All but `clusters` in sectors. */
export interface FatGeometry {
  readonly sectorSize: FatSectorSize;
  readonly totalSectors: number;
  readonly sectorsPerCluster: number;
  readonly reservedSectors: number;
  /** Of one of the two FATs. */
  readonly fatSectors: number;
  readonly clusters: number;
}

/** Boot sector, FSInfo, and their copies from sector 6 on lie inside; the rest is what the specification calls customary. */
const RESERVED_SECTORS = 32;
const FAT_COUNT = 2;
/** The specification asks to stay 16 clusters away from the limit, because some drivers count wrongly. */
const SAFE_CLUSTERS = MIN_CLUSTERS + 16;
/** Files start at multiples of this, as the blocks of the disks and page caches below do. */
export const DATA_ALIGNMENT = 4096;

/** The largest cluster for volumes up to a size: the specification's table for FAT32. */
const CLUSTER_TABLE: readonly { readonly upTo: number; readonly cluster: number }[] = [
  { upTo: 260 * 2 ** 20, cluster: 512 },
  { upTo: 8 * 2 ** 30, cluster: 4096 },
  { upTo: 16 * 2 ** 30, cluster: 8192 },
  { upTo: 32 * 2 ** 30, cluster: 16_384 },
  { upTo: Number.POSITIVE_INFINITY, cluster: 32_768 },
];

/**
 * Divides a volume of `size` bytes so that its clusters are as large as is customary for its size, and still so many
 * that it is FAT32.
 *
 * @throws DiskError `fat-too-small`, `fat-invalid-request`
 */
export function chooseGeometry(size: number, sectorSize: FatSectorSize): FatGeometry {
  const totalSectors = size / sectorSize;
  if (!Number.isInteger(totalSectors) || totalSectors > 0xffffffff) {
    throw new DiskError(
      'fat-invalid-request',
      `a FAT32 volume of ${size} bytes is not a whole number of ${sectorSize}-byte sectors below 2^32`,
    );
  }
  const minimum = minimalSectors(sectorSize) * sectorSize;
  if (size < minimum) {
    throw new DiskError(
      'fat-too-small',
      `a volume of ${formatBytes(size)} is too small for FAT32: with ${sectorSize}-byte sectors it needs ${formatBytes(minimum)} (${minimum} bytes)`,
      { hint: 'An ESP of 512 MiB or more is read by every firmware.' },
    );
  }
  const largest = CLUSTER_TABLE.find((row) => size <= row.upTo)?.cluster ?? sectorSize;
  let sectorsPerCluster = Math.max(1, largest / sectorSize);
  let geometry = divide(totalSectors, sectorsPerCluster, sectorSize);
  while (geometry.clusters < SAFE_CLUSTERS && sectorsPerCluster > 1) {
    sectorsPerCluster /= 2;
    geometry = divide(totalSectors, sectorsPerCluster, sectorSize);
  }
  return geometry;
}

function divide(totalSectors: number, sectorsPerCluster: number, sectorSize: FatSectorSize): FatGeometry {
  // A FAT of F sectors has to hold an entry of 4 bytes for each cluster of what two FATs leave, and two more:
  // 4 * ((total - reserved - 2F) / perCluster + 2) <= F * sectorSize, solved for F.
  const available = totalSectors - RESERVED_SECTORS;
  const fatSectors = Math.ceil(
    (4 * (available + FIRST_CLUSTER * sectorsPerCluster)) / (sectorsPerCluster * sectorSize + 4 * FAT_COUNT),
  );
  const alignment = Math.max(1, DATA_ALIGNMENT / sectorSize);
  const before = RESERVED_SECTORS + FAT_COUNT * fatSectors;
  const reservedSectors = RESERVED_SECTORS + ((alignment - (before % alignment)) % alignment);
  const clusters = Math.floor((totalSectors - reservedSectors - FAT_COUNT * fatSectors) / sectorsPerCluster);
  return { sectorSize, totalSectors, sectorsPerCluster, reservedSectors, fatSectors, clusters };
}

function minimalSectors(sectorSize: FatSectorSize): number {
  let sectors = RESERVED_SECTORS + SAFE_CLUSTERS;
  while (divide(sectors, 1, sectorSize).clusters < SAFE_CLUSTERS) {
    sectors += SAFE_CLUSTERS - divide(sectors, 1, sectorSize).clusters;
  }
  return sectors;
}

export function clusterSize(geometry: FatGeometry): number {
  return geometry.sectorsPerCluster * geometry.sectorSize;
}

/** Where the FAT with a number, 0 or 1, begins, in bytes. */
export function fatPosition(geometry: FatGeometry, number: number): number {
  return (geometry.reservedSectors + number * geometry.fatSectors) * geometry.sectorSize;
}

/** Where a cluster begins, in bytes. */
export function clusterPosition(geometry: FatGeometry, cluster: number): number {
  return fatPosition(geometry, FAT_COUNT) + (cluster - FIRST_CLUSTER) * clusterSize(geometry);
}
