import { type ByteSource, readExactly } from '@cairn/bytes';
import type { PeMachine } from './format.ts';
import { parsePe } from './parse.ts';

/** A section of a UKI: `size` bytes of the file from `offset` on. */
export interface UkiPart {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface Uki {
  readonly machine: PeMachine;
  /** In the file's order, the stub's own sections among them. */
  readonly sections: readonly UkiPart[];
}

/** No stub's headers come near this. */
const MAX_HEADERS = 64 * 1024;

/**
 * The sections of a UKI, read from its headers alone. A section's size is without the padding of the file, except for
 * `.linux`, which claims more memory than it has bytes: up to the file alignment of zeros follow the kernel.
 *
 * @throws DiskError `pe-malformed`
 */
export async function readUki(source: ByteSource, options: { signal?: AbortSignal } = {}): Promise<Uki> {
  const head = await readExactly(source, 0, Math.min(source.size, MAX_HEADERS), options.signal);
  const image = parsePe(head, { fileSize: source.size });
  const sections = image.sections.map(({ name, rawOffset, rawSize, virtualSize }) => ({
    name,
    offset: rawOffset,
    size: Math.min(rawSize, virtualSize),
  }));
  return { machine: image.machine, sections };
}
