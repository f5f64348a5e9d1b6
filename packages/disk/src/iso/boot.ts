import { type ByteSource, byteString, readExactly, viewOf } from '@cairn/bytes';
import { sumOfWords } from './encode.ts';
import { BOOT, SECTOR } from './format.ts';
import { malformed } from './malformed.ts';

/** What firmware may start, as El Torito's catalog has it. */
export interface IsoBootEntry {
  /** 0x00 for BIOS, 0xEF for UEFI. */
  readonly platform: number;
  readonly bootable: boolean;
  /** 0 for none. */
  readonly emulation: number;
  /** Of the image, in bytes from the volume's start. */
  readonly position: number;
  /** In units of 512 bytes; 0 and 1 may stand for all up to the volume's end. */
  readonly units: number;
}

const HEADER_MORE = 0x90;
const HEADER_LAST = 0x91;

/** The catalog's sector if a boot record is one of El Torito's. */
export function catalogSector(record: Uint8Array): number | undefined {
  const start = BOOT.systemIdOffset;
  const systemId = byteString(record.subarray(start, start + BOOT.systemId.length));
  return systemId === BOOT.systemId ? viewOf(record).getUint32(BOOT.catalog, true) : undefined;
}

/** The entries of a catalog. Throws `iso-malformed`. */
export async function readCatalog(
  source: ByteSource,
  sector: number,
  signal?: AbortSignal,
): Promise<IsoBootEntry[]> {
  if ((sector + 1) * SECTOR > source.size) throw malformed('its boot catalog lies beyond its end');
  const bytes = await readExactly(source, sector * SECTOR, SECTOR, signal);
  const validation = bytes.subarray(0, BOOT.entrySize);
  if (validation[0] !== 1 || viewOf(validation).getUint16(30, true) !== 0xaa55) {
    throw malformed('its boot catalog has no validation entry');
  }
  if (sumOfWords(validation) !== 0) throw malformed('the checksum of its boot catalog is wrong');
  const at = (index: number) => bytes.subarray(index * BOOT.entrySize, (index + 1) * BOOT.entrySize);
  let platform = validation[1] ?? 0;
  const entries = [bootEntry(at(1), platform)];
  const count = SECTOR / BOOT.entrySize;
  for (let index = 2, more = true; more && index < count; index++) {
    const header = at(index);
    if (header[0] !== HEADER_MORE && header[0] !== HEADER_LAST) break;
    more = header[0] === HEADER_MORE;
    platform = header[1] ?? 0;
    const end = Math.min(count - 1, index + viewOf(header).getUint16(2, true));
    while (index < end) entries.push(bootEntry(at(++index), platform));
  }
  return entries;
}

function bootEntry(bytes: Uint8Array, platform: number): IsoBootEntry {
  const view = viewOf(bytes);
  return {
    platform,
    bootable: bytes[0] === BOOT.bootable,
    emulation: view.getUint8(1) & 0x0f,
    units: view.getUint16(6, true),
    position: view.getUint32(8, true) * SECTOR,
  };
}
