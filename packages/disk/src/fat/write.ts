import { type ByteTarget, SequentialWriter, viewOf } from '@cairn/bytes';
import { copyContent } from '../content.ts';
import { BOOT, CLUSTER_MASK, END_OF_CHAIN, FIRST_CLUSTER, INFO } from './format.ts';
import { fatPosition } from './geometry.ts';
import type { FatLayout, FatRun } from './plan.ts';

const INFO_SECTOR = 1;
const BACKUP_SECTOR = 6;
const MEDIA_FIXED_DISK = 0xf8;

/**
 * Writes a volume. Only what is not zero is written: the target must be new, or read as zeros where nothing is
 * written (a sparse file, a discarded device). A volume of 1 GiB with 60 MB of files costs 60 MB and its FATs' used part.
 */
export async function writeFat32(
  layout: FatLayout,
  target: ByteTarget,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const { sectorSize } = layout.geometry;
  const boot = encodeBootSector(layout);
  const info = encodeInfoSector(layout);
  for (const first of [0, BACKUP_SECTOR]) {
    await target.write(first * sectorSize, boot);
    await target.write((first + INFO_SECTOR) * sectorSize, info);
  }
  for (const number of [0, 1]) {
    options.signal?.throwIfAborted();
    await writeTable(layout, fatPosition(layout.geometry, number), target);
  }
  for (const directory of layout.directories) await target.write(directory.position, directory.bytes);
  for (const file of layout.files) await copyContent(file.content, target, file.position, options.signal);
}

function encodeBootSector(layout: FatLayout): Uint8Array {
  const { geometry } = layout;
  const bytes = new Uint8Array(geometry.sectorSize);
  const view = viewOf(bytes);
  bytes.set([0xeb, 0x58, 0x90], BOOT.jump);
  bytes.set(Buffer.from('MSWIN4.1'), BOOT.oemName);
  view.setUint16(BOOT.sectorSize, geometry.sectorSize, true);
  view.setUint8(BOOT.sectorsPerCluster, geometry.sectorsPerCluster);
  view.setUint16(BOOT.reservedSectors, geometry.reservedSectors, true);
  view.setUint8(BOOT.fatCount, 2);
  view.setUint8(BOOT.media, MEDIA_FIXED_DISK);
  view.setUint16(BOOT.sectorsPerTrack, 63, true);
  view.setUint16(BOOT.heads, 255, true);
  view.setUint32(BOOT.totalSectors32, geometry.totalSectors, true);
  view.setUint32(BOOT.fatSectors32, geometry.fatSectors, true);
  view.setUint32(BOOT.rootCluster, FIRST_CLUSTER, true);
  view.setUint16(BOOT.infoSector, INFO_SECTOR, true);
  view.setUint16(BOOT.backupBootSector, BACKUP_SECTOR, true);
  view.setUint8(BOOT.driveNumber, 0x80);
  view.setUint8(BOOT.extendedSignature, 0x29);
  view.setUint32(BOOT.volumeId, layout.volumeId, true);
  bytes.set(Buffer.from((layout.label || 'NO NAME').padEnd(11)), BOOT.label);
  bytes.set(Buffer.from('FAT32   '), BOOT.typeName);
  view.setUint16(BOOT.signature, 0xaa55, true);
  return bytes;
}

function encodeInfoSector(layout: FatLayout): Uint8Array {
  const bytes = new Uint8Array(layout.geometry.sectorSize);
  const view = viewOf(bytes);
  const { nextCluster } = layout;
  const free = layout.geometry.clusters - layout.usedClusters;
  view.setUint32(INFO.leadSignature, 0x41615252, true);
  view.setUint32(INFO.structSignature, 0x61417272, true);
  view.setUint32(INFO.freeClusters, free, true);
  // Behind all that is used, unless that is the volume's end.
  const end = FIRST_CLUSTER + layout.geometry.clusters;
  view.setUint32(INFO.nextFree, nextCluster === end ? 0xffffffff : nextCluster, true);
  view.setUint32(INFO.trailSignature, 0xaa550000, true);
  return bytes;
}

/** One FAT up to its last entry that is used; free clusters are zeros. */
async function writeTable(layout: FatLayout, start: number, target: ByteTarget): Promise<void> {
  const writer = new SequentialWriter(target, { start });
  await writer.write(encodeLinks([(CLUSTER_MASK & ~0xff) | MEDIA_FIXED_DISK, END_OF_CHAIN]));
  for (const run of [...layout.directories, ...layout.files]) {
    if (run.clusters > 0) await writer.skipTo(start + run.firstCluster * 4);
    for (const links of linksOf(run)) await writer.write(encodeLinks(links));
  }
  await writer.flush();
}

/** Each cluster of a run points to the next, the last one ends the chain; in pieces, because a file may have a million. */
function* linksOf(run: FatRun): Generator<number[]> {
  const piece = 16_384;
  const end = run.firstCluster + run.clusters;
  for (let first = run.firstCluster; first < end; first += piece) {
    const count = Math.min(piece, end - first);
    yield Array.from({ length: count }, (_, index) => {
      const next = first + index + 1;
      return next === end ? END_OF_CHAIN : next;
    });
  }
}

function encodeLinks(links: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(links.length * 4);
  const view = viewOf(bytes);
  for (const [index, link] of links.entries()) view.setUint32(index * 4, link, true);
  return bytes;
}
