/** Byte offsets and values of FAT32, shared by writer and reader (Microsoft FAT specification, ECMA-107). */

/** Of volumes that are written; any power of two from 512 to 4096 is read. */
export type FatSectorSize = 512 | 4096;

/** The BIOS parameter block at the start of the volume. */
export const BOOT = {
  jump: 0,
  oemName: 3,
  sectorSize: 11,
  sectorsPerCluster: 13,
  reservedSectors: 14,
  fatCount: 16,
  rootEntries: 17,
  totalSectors16: 19,
  media: 21,
  fatSectors16: 22,
  sectorsPerTrack: 24,
  heads: 26,
  totalSectors32: 32,
  fatSectors32: 36,
  flags: 40,
  version: 42,
  rootCluster: 44,
  infoSector: 48,
  backupBootSector: 50,
  driveNumber: 64,
  extendedSignature: 66,
  volumeId: 67,
  label: 71,
  typeName: 82,
  signature: 510,
} as const;

/** The FSInfo sector. */
export const INFO = {
  leadSignature: 0,
  structSignature: 484,
  freeClusters: 488,
  nextFree: 492,
  trailSignature: 508,
} as const;

/** A directory entry with a short name. */
export const ENTRY = {
  size: 32,
  name: 0,
  nameLength: 11,
  attributes: 11,
  /** Drivers of the NT family note here that base (bit 3) or extension (bit 4) are in lower case. */
  caseFlags: 12,
  createdTenths: 13,
  createdTime: 14,
  createdDate: 16,
  accessedDate: 18,
  clusterHigh: 20,
  modifiedTime: 22,
  modifiedDate: 24,
  clusterLow: 26,
  fileSize: 28,
} as const;

/** A directory entry with 13 UTF-16 units of a long name. */
export const LONG = {
  order: 0,
  checksum: 13,
  /** Where the units are: offset and count. */
  pieces: [
    [1, 5],
    [14, 6],
    [28, 2],
  ],
  units: 13,
  lastFlag: 0x40,
} as const;

export const ATTRIBUTE = {
  readOnly: 0x01,
  hidden: 0x02,
  system: 0x04,
  label: 0x08,
  directory: 0x10,
  archive: 0x20,
  longName: 0x0f,
} as const;

/** In the first byte of a name: the end of the folder, a deleted entry, and what stands for a name that starts with 0xE5. */
export const NAME_MARK = { end: 0x00, deleted: 0xe5, escapedE5: 0x05 } as const;

/** Below this many clusters a volume is FAT16, whatever its boot sector says. */
export const MIN_CLUSTERS = 65_525;
export const FIRST_CLUSTER = 2;
/** Of a FAT entry's 32 bits, the upper four are reserved. */
export const CLUSTER_MASK = 0x0fffffff;
export const END_OF_CHAIN = 0x0fffffff;
/** From here on, an entry ends its chain; the value below marks a bad cluster. */
export const END_OF_CHAIN_MIN = 0x0ffffff8;
export const MAX_FILE_SIZE = 0xffffffff;
export const MAX_DIRECTORY_SIZE = 65_536 * ENTRY.size;
export const MAX_NAME_UNITS = 255;
