import { type ByteTarget, offsetTarget } from '@cairn/bytes';
import { encodeGpt, Qcow2Writer } from '@cairn/disk';
import type { OpenFile } from '@cairn/host';
import type { Release } from '../release/schema.ts';
import { type BootFiles, writeEsp } from './esp.ts';
import type { MediaLayout } from './layout.ts';

export type DiskFormat = 'raw' | 'qcow2';

/** A disk image that is being written: first the slot, as the root comes along, then all else by `finish`. */
export interface DiskImage {
  /** Where the root goes; positions count from the slot's start. */
  readonly slot: ByteTarget;
  /** Writes ESP and partition tables, and closes the image. */
  finish(release: Release, files: BootFiles, signal?: AbortSignal): Promise<void>;
}

/** Starts a disk image in a new file. What is not written stays a hole. */
export async function startDiskImage(
  file: OpenFile,
  format: DiskFormat,
  layout: MediaLayout,
): Promise<DiskImage> {
  const { size } = layout.disk;
  const qcow2 = format === 'qcow2' ? new Qcow2Writer(file, size) : undefined;
  if (qcow2 === undefined) await file.truncate(size);
  const target = qcow2 ?? file;
  return {
    slot: offsetTarget(target, layout.slot.start),
    async finish(release, files, signal) {
      await writeEsp(release, files, offsetTarget(target, layout.esp.start), layout.esp.size, signal);
      const { primary, backup } = encodeGpt(layout.disk);
      await target.write(primary.position, primary.bytes);
      await target.write(backup.position, backup.bytes);
      await qcow2?.finish(signal === undefined ? {} : { signal });
    },
  };
}
