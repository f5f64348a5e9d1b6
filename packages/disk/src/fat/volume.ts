import { type ByteSource, byteString, readExactly, viewOf } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { BOOT, FIRST_CLUSTER, MIN_CLUSTERS } from './format.ts';

/** What the boot sector says of a volume. Positions and sizes are in bytes. */
export interface VolumeShape {
  /** As in the boot sector; empty for none. */
  readonly label: string;
  readonly volumeId: number;
  readonly clusterSize: number;
  readonly clusters: number;
  readonly rootCluster: number;
  /** Of the FAT that is in use. */
  readonly fatPosition: number;
  readonly dataPosition: number;
}

const MAX_SECTOR_SIZE = 4096;
const MAX_CLUSTER_SIZE = 128 * 1024;
/** `BOOT.flags`: only one FAT is in use, the one with the number in the low bits. */
const ONE_FAT = 0x80;

export async function readShape(source: ByteSource, signal?: AbortSignal): Promise<VolumeShape> {
  check(source.size >= 512, 'it is smaller than a sector');
  return parseShape(await readExactly(source, 0, 512, signal), source.size);
}

/** @throws DiskError `fat-malformed` for what is not FAT32, or reaches beyond `size` bytes */
function parseShape(boot: Uint8Array, size: number): VolumeShape {
  const view = viewOf(boot);
  check(view.getUint16(BOOT.signature, true) === 0xaa55, 'it has no boot sector');
  const sectorSize = view.getUint16(BOOT.sectorSize, true);
  const sectorsPerCluster = view.getUint8(BOOT.sectorsPerCluster);
  const clusterSize = sectorSize * sectorsPerCluster;
  check(
    isPowerOfTwo(sectorSize) && sectorSize >= 512 && sectorSize <= MAX_SECTOR_SIZE,
    `a sector cannot have ${sectorSize} bytes`,
  );
  check(
    isPowerOfTwo(sectorsPerCluster) && clusterSize <= MAX_CLUSTER_SIZE,
    `a cluster cannot have ${sectorsPerCluster} sectors`,
  );
  const olderKind =
    view.getUint16(BOOT.rootEntries, true) +
    view.getUint16(BOOT.totalSectors16, true) +
    view.getUint16(BOOT.fatSectors16, true);
  check(
    olderKind === 0 && view.getUint16(BOOT.version, true) === 0,
    'it is FAT12, FAT16 or of a later version',
  );

  const totalSectors = view.getUint32(BOOT.totalSectors32, true);
  const fatSectors = view.getUint32(BOOT.fatSectors32, true);
  const fatCount = view.getUint8(BOOT.fatCount);
  const reservedSectors = view.getUint16(BOOT.reservedSectors, true);
  const dataSector = reservedSectors + fatCount * fatSectors;
  const clusters = Math.floor((totalSectors - dataSector) / sectorsPerCluster);
  check(totalSectors * sectorSize <= size, `its ${totalSectors} sectors are more than there are`);
  check(reservedSectors > 0 && fatCount > 0, 'it has no reserved sectors or no FAT');
  check(clusters >= MIN_CLUSTERS, `with ${clusters} clusters it is not FAT32`);
  check(
    fatSectors * sectorSize >= (clusters + FIRST_CLUSTER) * 4,
    'its FAT is shorter than its clusters need',
  );

  const flags = view.getUint16(BOOT.flags, true);
  const activeFat = flags & ONE_FAT ? flags & 0x0f : 0;
  check(activeFat < fatCount, `its FAT number ${activeFat} is in use, but it has ${fatCount}`);
  const rootCluster = view.getUint32(BOOT.rootCluster, true);
  check(isCluster(rootCluster, clusters), `its root folder cannot be in cluster ${rootCluster}`);
  const label = byteString(boot.subarray(BOOT.label, BOOT.typeName)).trimEnd();
  return {
    label: label === 'NO NAME' ? '' : label,
    volumeId: view.getUint32(BOOT.volumeId, true),
    clusterSize,
    clusters,
    rootCluster,
    fatPosition: (reservedSectors + activeFat * fatSectors) * sectorSize,
    dataPosition: dataSector * sectorSize,
  };
}

export function isCluster(number: number, clusters: number): boolean {
  return number >= FIRST_CLUSTER && number < FIRST_CLUSTER + clusters;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new DiskError('fat-malformed', `this is no FAT32 volume that can be read: ${problem}`);
}
