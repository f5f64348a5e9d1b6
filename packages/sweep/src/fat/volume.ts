import { viewOf } from '@cairn/bytes';
import { SweepError } from '../error.ts';

/**
 * FAT32 as the driver in UEFI firmware reads it (EDK2, FatPkg/EnhancedFatDxe): what it refuses is refused here, and it takes
 * no more care. Not the reader of `@cairn/disk`, which finds damage that firmware passes over, and honours what firmware
 * does not (the flag for the FAT in use).
 */

/** 512 bytes of the volume, by number. */
export type ReadSector = (sector: number) => Uint8Array;

/** Positions and sizes in units of 512 bytes. */
export interface FatShape {
  readonly clusterSectors: number;
  readonly fatSector: number;
  readonly dataSector: number;
  readonly clusters: number;
  readonly rootCluster: number;
}

/** A file's or folder's place on the volume: `count` units of 512 bytes from `sector` on. */
export interface Extent {
  readonly sector: number;
  readonly count: number;
}

const BOOT = {
  sectorSize: 11,
  sectorsPerCluster: 13,
  reservedSectors: 14,
  fatCount: 16,
  rootEntries: 17,
  totalSectors16: 19,
  media: 21,
  fatSectors16: 22,
  totalSectors32: 32,
  fatSectors32: 36,
  rootCluster: 44,
} as const;

const UNIT = 512;
const MIN_FAT32_CLUSTERS = 65_525;
const FIRST_CLUSTER = 2;
const CLUSTER_MASK = 0x0fffffff;
const CLUSTER_SPECIAL = 0x0ffffff7;
const END_OF_CHAIN = 0x0ffffff8;
/** A folder has at most 65536 entries of 32 bytes. */
const MAX_DIRECTORY = 65_536 * 32;

/**
 * What the boot sector says (Init.c, FatOpenDevice).
 *
 * @throws SweepError `fat-unreadable`
 */
export function parseFatShape(boot: Uint8Array, volumeSectors: number): FatShape {
  const view = viewOf(boot);
  const sectorSize = view.getUint16(BOOT.sectorSize, true);
  const sectorsPerCluster = view.getUint8(BOOT.sectorsPerCluster);
  check(
    isPowerOfTwo(sectorSize) && sectorSize >= 512 && sectorSize <= 4096,
    `sectors of ${sectorSize} bytes`,
  );
  check(isPowerOfTwo(sectorsPerCluster), `clusters of ${sectorsPerCluster} sectors`);
  check(view.getUint16(BOOT.fatSectors16, true) === 0, 'it is not FAT32');
  check(view.getUint16(BOOT.rootEntries, true) === 0, 'it has entries of FAT16');
  const media = view.getUint8(BOOT.media);
  check(media === 0xf0 || media >= 0xf8, `its media descriptor is ${media}`);
  const total = view.getUint16(BOOT.totalSectors16, true) || view.getUint32(BOOT.totalSectors32, true);
  const reserved = view.getUint16(BOOT.reservedSectors, true);
  const fatCount = view.getUint8(BOOT.fatCount);
  const fatSectors = view.getUint32(BOOT.fatSectors32, true);
  check(reserved > 0 && fatCount > 0 && total > 0 && fatSectors > 0, 'it has no sectors, no FAT, or no room');
  const scale = sectorSize / UNIT;
  check(total * scale <= volumeSectors, `its ${total} sectors are more than the partition has`);
  const data = reserved + fatCount * fatSectors;
  const clusters = Math.floor((total - data) / sectorsPerCluster);
  check(clusters >= MIN_FAT32_CLUSTERS, `with ${clusters} clusters it is not FAT32`);
  check(fatSectors * sectorSize >= (clusters + FIRST_CLUSTER) * 4, 'its FAT is too short');
  return {
    clusterSectors: sectorsPerCluster * scale,
    fatSector: reserved * scale,
    dataSector: data * scale,
    clusters,
    rootCluster: view.getUint32(BOOT.rootCluster, true),
  };
}

/** Follows chains of clusters in the first FAT, which is the one that firmware reads. For a volume that does not change. */
export class FatChains {
  readonly shape: FatShape;
  readonly #read: ReadSector;
  #fat: DataView = new DataView(new ArrayBuffer(UNIT));
  #fatNumber = -1;

  constructor(shape: FatShape, read: ReadSector) {
    this.shape = shape;
    this.#read = read;
  }

  /**
   * Where the first `size` bytes of a file are (FileSpace.c, FatOFilePosition). A chain may be longer than the file.
   *
   * @throws SweepError `fat-unreadable` for one that is shorter, or leads out of the volume
   */
  file(firstCluster: number, size: number): Extent[] {
    const wanted = Math.ceil(size / UNIT);
    const extents = new Extents();
    let cluster = firstCluster;
    for (let have = 0; have < wanted; ) {
      check(this.#isCluster(cluster), `its chain of clusters breaks at ${have * UNIT} of ${size} bytes`);
      const count = Math.min(this.shape.clusterSectors, wanted - have);
      extents.add(this.#sector(cluster), count);
      have += count;
      if (have < wanted) cluster = this.#next(cluster);
    }
    return extents.list;
  }

  /**
   * Where a folder is, as far as its chain goes; nowhere if the chain is broken (FatPhysicalDirSize gives 0 then, and the
   * folder is empty for firmware).
   *
   * @throws SweepError `fat-unreadable` for a chain without end
   */
  directory(firstCluster: number): Extent[] {
    const extents = new Extents();
    const { clusterSectors } = this.shape;
    let sectors = 0;
    for (let cluster = firstCluster; cluster < END_OF_CHAIN; cluster = this.#next(cluster)) {
      if (!this.#isCluster(cluster)) return [];
      extents.add(this.#sector(cluster), clusterSectors);
      sectors += clusterSectors;
      check(sectors * UNIT <= MAX_DIRECTORY, 'a folder has no end');
    }
    return extents.list;
  }

  /** Neighbours in a chain have theirs in the same sector: it is not fetched anew, as a chain may have thousands. */
  #next(cluster: number): number {
    const position = cluster * 4;
    const number = this.shape.fatSector + Math.floor(position / UNIT);
    if (number !== this.#fatNumber) {
      this.#fat = viewOf(this.#read(number));
      this.#fatNumber = number;
    }
    return this.#fat.getUint32(position % UNIT, true) & CLUSTER_MASK;
  }

  #isCluster(cluster: number): boolean {
    return (
      cluster >= FIRST_CLUSTER && cluster < CLUSTER_SPECIAL && cluster < FIRST_CLUSTER + this.shape.clusters
    );
  }

  #sector(cluster: number): number {
    return this.shape.dataSector + (cluster - FIRST_CLUSTER) * this.shape.clusterSectors;
  }
}

/** Clusters that follow one another are one extent. */
class Extents {
  readonly list: { sector: number; count: number }[] = [];

  add(sector: number, count: number): void {
    const last = this.list.at(-1);
    if (last !== undefined && last.sector + last.count === sector) last.count += count;
    else this.list.push({ sector, count });
  }
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

export function check(holds: boolean, problem: string): void {
  if (!holds) throw new SweepError('fat-unreadable', problem);
}
