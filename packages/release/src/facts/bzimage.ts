import { byteString, viewOf } from '@cairn/bytes';

/** What the header of an x86 kernel image says. */
export interface BzImage {
  /** As `uname -r` prints it; undefined where the image does not say. */
  readonly version: string | undefined;
  /** It runs on x86-64. */
  readonly is64Bit: boolean;
  /** It is a UEFI program too (`CONFIG_EFI_STUB`). */
  readonly hasEfiStub: boolean;
}

/** Fields of the setup header (The Linux/x86 Boot Protocol, "Details of Header Fields"). */
const HEADER = {
  setupSectors: 0x1f1,
  magic: 0x202,
  protocol: 0x206,
  kernelVersion: 0x20e,
  extendedLoadFlags: 0x236,
  end: 0x238,
} as const;

const MAGIC = 0x53726448;
const PROTOCOL_WITH_VERSION = 0x0200;
const PROTOCOL_WITH_EXTENDED_FLAGS = 0x020c;
const KERNEL_64 = 1;
const SECTOR = 0x200;
const VERSION_LIMIT = 256;

/** As much of an image as `parseBzImage` can need: the offset of the version is 16 bits wide. */
export const BZIMAGE_HEAD_SIZE = 0xffff + SECTOR + VERSION_LIMIT;

/** Reads the head of an x86 kernel image; undefined if it is none (every other architecture's kernel). */
export function parseBzImage(head: Uint8Array): BzImage | undefined {
  if (head.length < HEADER.end) return undefined;
  const view = viewOf(head);
  if (view.getUint32(HEADER.magic, true) !== MAGIC) return undefined;
  const protocol = view.getUint16(HEADER.protocol, true);
  const flags = protocol >= PROTOCOL_WITH_EXTENDED_FLAGS ? view.getUint16(HEADER.extendedLoadFlags, true) : 0;
  return {
    version: protocol >= PROTOCOL_WITH_VERSION ? versionIn(head, view) : undefined,
    is64Bit: (flags & KERNEL_64) !== 0,
    hasEfiStub: head[0] === 0x4d && head[1] === 0x5a,
  };
}

function versionIn(head: Uint8Array, view: DataView): string | undefined {
  const pointer = view.getUint16(HEADER.kernelVersion, true);
  // 0 stands for 4 for the sake of old loaders; the version lies in the setup code.
  const setupSize = (view.getUint8(HEADER.setupSectors) || 4) * SECTOR;
  if (pointer === 0 || pointer >= setupSize) return undefined;
  const text = byteString(head.subarray(SECTOR + pointer, SECTOR + pointer + VERSION_LIMIT));
  return /^([!-~]+)[ \0]/.exec(text)?.[1];
}
