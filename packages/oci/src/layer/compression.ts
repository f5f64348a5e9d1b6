import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type ByteSource, equalBytes, readExactly } from '@cairn/bytes';
import { OciError } from '../error.ts';

export type Compression = 'gzip' | 'zstd';

/** What the first bytes of a file say about it. */
export type Packing = Compression | 'xz' | 'bzip2' | 'none';

const MAGICS: readonly {
  readonly packing: Packing;
  readonly bytes: Uint8Array;
  readonly mask?: Uint8Array;
}[] = [
  { packing: 'gzip', bytes: Uint8Array.of(0x1f, 0x8b, 0x08) },
  { packing: 'zstd', bytes: Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd) },
  // A skippable frame of zstd, of which there are sixteen kinds (RFC 8878, section 3.1.2).
  {
    packing: 'zstd',
    bytes: Uint8Array.of(0x50, 0x2a, 0x4d, 0x18),
    mask: Uint8Array.of(0xf0, 0xff, 0xff, 0xff),
  },
  { packing: 'xz', bytes: Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00) },
  { packing: 'bzip2', bytes: Uint8Array.of(0x42, 0x5a, 0x68) },
];

/**
 * How a layer or an archive is compressed, by its first bytes. Media types are wrong too often, and container
 * engines do not go by them either.
 */
export async function detectPacking(source: ByteSource, signal?: AbortSignal): Promise<Packing> {
  const head = await readExactly(source, 0, Math.min(6, source.size), signal);
  for (const { packing, bytes, mask } of MAGICS) {
    const start = head.slice(0, bytes.length).map((byte, index) => byte & (mask?.[index] ?? 0xff));
    if (equalBytes(start, bytes)) return packing;
  }
  return 'none';
}

/** The compression that is taken off; undefined if there is none. Others are refused with the way out. */
export function supported(packing: Packing, label: string): Compression | undefined {
  if (packing === 'xz' || packing === 'bzip2') {
    const program = packing === 'xz' ? 'unxz' : 'bunzip2';
    throw new OciError('unsupported', `${label} is compressed with ${packing}`, {
      hint: `unpack it with ${program}, or compress it with gzip or zstd`,
    });
  }
  return packing === 'none' ? undefined : packing;
}

/** Large pieces: each is one trip to the thread pool. */
const CHUNK = 1 << 20;

function decoderFor(compression: Compression): Transform & { readonly bytesWritten: number } {
  return compression === 'gzip'
    ? createGunzip({ chunkSize: CHUNK })
    : createZstdDecompress({ chunkSize: CHUNK, rejectGarbageAfterEnd: true });
}

/**
 * Takes the compression off a stream. Several gzip members or zstd frames one after another are one stream
 * (RFC 1952, section 2.2; RFC 8878, section 3); bytes after the last are an error.
 *
 * @throws OciError `invalid-layer` where the stream is corrupt or ends too early, and whatever `chunks` throws
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  label: string,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  let failure: unknown;
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks) {
        given += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      failure = cause;
      throw cause;
    }
  }
  const decoder = decoderFor(compression);
  // What goes wrong in the pipeline is thrown by the iteration below.
  pipeline(counted(), decoder, () => {});
  try {
    yield* decoder;
  } catch (cause) {
    if (failure !== undefined) throw failure;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new OciError('invalid-layer', `${label}: its ${compression} stream is corrupt: ${detail}`, {
      cause,
    });
  }
  // Gzip's decoder passes over zeros at the end, which no engine that pulls images allows.
  if (decoder.bytesWritten !== given) {
    throw new OciError(
      'invalid-layer',
      `${label}: its ${compression} stream has ${given - decoder.bytesWritten} bytes after the end`,
    );
  }
}
