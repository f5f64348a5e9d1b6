import { type ByteTarget, offsetTarget } from '@cairn/bytes';
import { encodeGpt, Qcow2Writer, writeFat32, writeIso } from '@cairn/disk';
import type { OpenFile } from '@cairn/host';
import type { Release } from '../release/schema.ts';
import { writeEsp } from './esp.ts';
import type { MediaLayout } from './layout.ts';
import { type LiveMedia, layOutLive, liveRoot, type MediaFiles } from './live.ts';
import type { DiskFormat } from './names.ts';
import type { PlannedImage } from './plan.ts';

/** An image that is being written: first the root, as it comes along, then all else by `finish`. */
export interface DiskImage {
  /** Where the root goes; positions count from its start. */
  readonly slot: ByteTarget;
  /** Writes ESP and partition tables, and closes the image. */
  finish(release: Release, files: MediaFiles, signal?: AbortSignal): Promise<void>;
}

/** Starts an image in a new file. What is not written stays a hole. */
export async function startImage(file: OpenFile, plan: PlannedImage): Promise<DiskImage> {
  return plan.format === 'iso' ? startLive(file, plan.live) : startDisk(file, plan.format, plan.layout);
}

async function startDisk(file: OpenFile, format: DiskFormat, layout: MediaLayout): Promise<DiskImage> {
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

function startLive(file: OpenFile, media: LiveMedia): DiskImage {
  return {
    slot: liveRoot(media, file),
    async finish(release, files, signal) {
      const { iso, fat, esp } = layOutLive(media, release, files);
      const options = signal === undefined ? {} : { signal };
      await file.truncate(iso.size);
      await writeFat32(fat, offsetTarget(file, esp.start), options);
      await writeIso(iso, file, options);
    },
  };
}
