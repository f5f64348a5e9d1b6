import { ReleaseError } from '../error.ts';
import { type ImageFacts, type MediaLayout, planMedia } from './layout.ts';
import { type LiveMedia, planLive } from './live.ts';
import type { DiskFormat, MediaFormat } from './names.ts';

export interface ImageRequest {
  readonly format: MediaFormat;
  /** Of a disk, in bytes; room for all partitions and 2 GiB of data unless given. */
  readonly size?: number | undefined;
  /** For the machines that an ISO installs: `config.yaml`, at most 1 MiB of UTF-8. */
  readonly config?: Uint8Array | undefined;
}

export type PlannedImage =
  | { readonly format: DiskFormat; readonly layout: MediaLayout }
  | { readonly format: 'iso'; readonly live: LiveMedia };

/**
 * Settles what of an image does not depend on the bytes of its files.
 *
 * @throws ReleaseError `too-large`, `bad-option`
 */
export function planImage({ format, size, config }: ImageRequest, facts: ImageFacts): PlannedImage {
  if (format === 'iso') {
    if (size === undefined) return { format, live: planLive(facts, config) };
    throw new ReleaseError('bad-option', 'an ISO is as large as its files: it takes no size');
  }
  if (config === undefined) return { format, layout: planMedia({ ...facts, size }) };
  throw new ReleaseError('bad-option', `a configuration can be put into an ISO, not into a ${format} disk`);
}
