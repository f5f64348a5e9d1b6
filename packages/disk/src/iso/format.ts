/** Byte offsets and values of ISO 9660, shared by writer and reader (ECMA-119, 4th edition; SUSP and RRIP 1.09; El Torito 1.0). */

export const SECTOR = 2048;
/** The sectors before it are not the volume's: a partition table lies there. */
export const FIRST_DESCRIPTOR = 16;
/** El Torito asks for its boot record in this sector. */
export const BOOT_RECORD_SECTOR = 17;

export const DESCRIPTOR_TYPE = { boot: 0, primary: 1, terminator: 255 } as const;
export const STANDARD_ID = 'CD001';

/** Volume descriptors; all after `version` only of the primary one (section 8.4). */
export const VOLUME = {
  type: 0,
  standardId: 1,
  version: 6,
  systemId: 8,
  volumeId: 40,
  volumeIdLength: 32,
  spaceSize: 80,
  setSize: 120,
  sequenceNumber: 124,
  blockSize: 128,
  pathTableSize: 132,
  littlePathTable: 140,
  bigPathTable: 148,
  rootRecord: 156,
  volumeSetId: 190,
  publisher: 318,
  preparer: 446,
  application: 574,
  copyrightFile: 702,
  created: 813,
  modified: 830,
  expires: 847,
  effective: 864,
  structureVersion: 881,
  applicationUse: 883,
  applicationUseLength: 512,
} as const;

/** Where a volume has what is there for programs, counted from its start. */
export const APPLICATION_USE_POSITION = FIRST_DESCRIPTOR * SECTOR + VOLUME.applicationUse;

/** A directory record (section 9.1). */
export const RECORD = {
  length: 0,
  extent: 2,
  dataLength: 10,
  time: 18,
  flags: 25,
  unitSize: 26,
  gapSize: 27,
  sequenceNumber: 28,
  idLength: 32,
  id: 33,
} as const;

export const FLAG = { directory: 0x02, multiExtent: 0x80 } as const;

/** An extent's length has 32 bits; the largest one of whole sectors. */
export const MAX_EXTENT = 0xffff_f800;
/** The root is the first level (section 6.8.2.1). */
export const MAX_LEVELS = 8;

/** The boot record (El Torito, figure 7) and the catalog (figures 2 to 5). */
export const BOOT = {
  systemId: 'EL TORITO SPECIFICATION',
  systemIdOffset: 7,
  catalog: 71,
  entrySize: 32,
  /** UEFI 2.10, section 13.3.2.1. */
  efiPlatform: 0xef,
  bootable: 0x88,
  /** Of an image, in units of this; 0 and 1 stand for all up to the volume's end. */
  unit: 512,
} as const;
