import type { ByteTarget } from '@cairn/bytes';
import { copyContent } from '../content.ts';
import { encodeIso } from './encode.ts';
import type { IsoLayout } from './layout.ts';

/**
 * Writes a volume and its partition table; what is in partitions is for others to write, before or after. The target must
 * be new, or read as zeros where nothing is written.
 */
export async function writeIso(
  layout: IsoLayout,
  target: ByteTarget,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  for (const { position, bytes } of encodeIso(layout)) await target.write(position, bytes);
  for (const { content, position } of layout.files) {
    if (content !== undefined) await copyContent(content, target, position, options.signal);
  }
}
