/** Byte offsets of PE32+ (Microsoft PE format, revision 2024). */

export const DOS = { size: 64, peOffset: 60 } as const;
export const PE_SIGNATURE = 0x00004550;

/** From the PE signature on: signature and COFF file header. */
export const COFF = {
  size: 24,
  machine: 4,
  sectionCount: 6,
  symbolTable: 12,
  symbolCount: 16,
  optionalSize: 20,
} as const;

/** From the optional header on. */
export const OPTIONAL = {
  size: 112,
  magic: 0,
  initializedSize: 8,
  entryPoint: 16,
  imageBase: 24,
  sectionAlignment: 32,
  fileAlignment: 36,
  imageSize: 56,
  headersSize: 60,
  checksum: 64,
  subsystem: 68,
  directoryCount: 108,
} as const;

export const PE32_PLUS = 0x20b;
export const DIRECTORY_SIZE = 8;
export const SECURITY_DIRECTORY = 4;
export const SUBSYSTEM_EFI_APPLICATION = 10;

export const SECTION = {
  size: 40,
  nameLength: 8,
  virtualSize: 8,
  virtualAddress: 12,
  rawSize: 16,
  rawOffset: 20,
  characteristics: 36,
} as const;

export const CHARACTERISTIC = {
  code: 0x00000020,
  initializedData: 0x00000040,
  read: 0x40000000,
} as const;

export const MACHINE_NAMES = { 0x8664: 'x86-64', 0xaa64: 'arm64' } as const;
export type PeMachine = (typeof MACHINE_NAMES)[keyof typeof MACHINE_NAMES];

/** As many as the Windows loader takes; a UKI has fewer than thirty. */
export const MAX_SECTIONS = 96;
export const MAX_FILE_ALIGNMENT = 64 * 1024;
