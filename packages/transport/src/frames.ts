import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { type ByteSource, type ByteTarget, readExactly } from '@cairn/bytes';
import { TransportError } from './error.ts';
import {
  encodeSeekTable,
  type Frame,
  parseSeekTable,
  SEEK_FOOTER_SIZE,
  seekTableSize,
} from './seek-table.ts';

/** What one frame has, unpacked. Smaller ones are packed worse, larger ones have more fetched for a few bytes. */
export const FRAME_SIZE = 4 << 20;
/** What a frame of somebody else's making may have. */
const FRAME_LIMIT = 16 << 20;
/** Frames that are packed at a time, each in a thread: memory is this often a frame and what packs it. */
const PARALLEL = 2;
/** zstd(1) goes to 22; above 19 it takes much more memory, also to unpack. */
export const LEVELS = { least: 1, most: 19, usual: 19 } as const;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export interface FramesOptions {
  readonly level?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface WrittenFrames {
  /** In lower-case hexadecimal, of all that was written. */
  readonly sha256: string;
  readonly size: number;
}

/** Packs a source in independent frames of Zstandard, with their table at the end: `zstd -d` unpacks the whole, too. */
export async function writeFrames(
  source: ByteSource,
  target: ByteTarget,
  { level = LEVELS.usual, signal, onProgress }: FramesOptions = {},
): Promise<WrittenFrames> {
  const hash = createHash('sha256');
  const frames: Frame[] = [];
  let position = 0;
  const put = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    await target.write(position, bytes);
    position += bytes.length;
  };
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  const pack = async (start: number) => {
    const bytes = await readExactly(source, start, Math.min(FRAME_SIZE, source.size - start), signal);
    return { packed: await compress(bytes, { params }), size: bytes.length };
  };
  const waiting: ReturnType<typeof pack>[] = [];
  for (let start = 0; start < source.size || waiting.length > 0; ) {
    signal?.throwIfAborted();
    while (start < source.size && waiting.length < PARALLEL) {
      const work = pack(start);
      // Awaited in its turn; until then its failure is nobody's.
      work.catch(() => {});
      waiting.push(work);
      start += FRAME_SIZE;
    }
    const next = await waiting.shift();
    if (next === undefined) break;
    frames.push({ compressed: next.packed.length, size: next.size });
    await put(next.packed);
    onProgress?.(Math.min(start, source.size), source.size);
  }
  await put(encodeSeekTable(frames));
  return { sha256: hash.digest('hex'), size: position };
}

/** The frames of a packed file, from the table at its end. Throws TransportError `bad-artifact`. */
export async function readSeekTable(packed: ByteSource, signal?: AbortSignal): Promise<Frame[]> {
  if (packed.size < SEEK_FOOTER_SIZE)
    throw new TransportError('bad-artifact', 'the packed root is cut short');
  const footer = await readExactly(packed, packed.size - SEEK_FOOTER_SIZE, SEEK_FOOTER_SIZE, signal);
  const size = seekTableSize(footer);
  if (size > packed.size)
    throw new TransportError('bad-artifact', 'the table of frames is larger than its file');
  return parseSeekTable(
    await readExactly(packed, packed.size - size, size, signal),
    packed.size,
    FRAME_LIMIT,
  );
}

/**
 * Unpacks all frames, in order, into a target. Memory is one frame.
 *
 * @param size what comes out has to have
 * @throws TransportError `bad-artifact`
 */
export async function unpackFrames(
  packed: ByteSource,
  target: ByteTarget,
  size: number,
  { signal, onProgress }: Omit<FramesOptions, 'level'> = {},
): Promise<void> {
  const frames = await readSeekTable(packed, signal);
  const whole = frames.reduce((sum, frame) => sum + frame.size, 0);
  if (whole !== size)
    throw new TransportError('bad-artifact', `the packed root unpacks to ${whole} bytes, not ${size}`);
  let from = 0;
  let to = 0;
  for (const [index, frame] of frames.entries()) {
    signal?.throwIfAborted();
    const bytes = await unpackFrame(await readExactly(packed, from, frame.compressed, signal), frame, index);
    await target.write(to, bytes);
    from += frame.compressed;
    to += bytes.length;
    onProgress?.(to, size);
  }
}

async function unpackFrame(packed: Uint8Array, { size }: Frame, index: number): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await decompress(packed, { maxOutputLength: size });
  } catch (cause) {
    throw new TransportError('bad-artifact', `frame ${index} of the packed root cannot be unpacked`, {
      cause,
    });
  }
  if (bytes.length === size) return bytes;
  throw new TransportError('bad-artifact', `frame ${index} unpacks to ${bytes.length} bytes, not ${size}`);
}
