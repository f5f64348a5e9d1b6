/** Disks that a machine runs from. */
export type DiskFormat = 'raw' | 'qcow2';

/** An ISO is not one: it is started from to install. */
export type MediaFormat = DiskFormat | 'iso';

export const MEDIA_FORMATS: readonly MediaFormat[] = ['raw', 'qcow2', 'iso'];

/** The name of an image in a release folder. */
export function diskFileName(format: MediaFormat): string {
  return `disk.${format}`;
}
