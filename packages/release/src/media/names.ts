import type { DiskFormat } from './image.ts';

/** The name of a disk image in a release folder. */
export function diskFileName(format: DiskFormat): string {
  return `disk.${format}`;
}
