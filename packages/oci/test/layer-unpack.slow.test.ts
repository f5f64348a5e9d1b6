import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { memorySource, readAll } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { digestOf } from '../src/digest.ts';
import { OciError, type OciErrorCode } from '../src/error.ts';
import { DEFAULT_UNPACK_LIMITS, openTar, type PackedTar, type UnpackLimits } from '../src/layer/unpack.ts';
import { doorsIn, leftovers, scratch } from './images.ts';

/** Not compressible, and longer than a chunk. */
const NOISE = randomBytes(3_000_000);
const TEXT = Buffer.from('some text '.repeat(400_000));
/** Frames that a decoder passes over (RFC 8878, section 3.1.2). */
const SKIPPED = Buffer.from('502a4d180400000001020304', 'hex');

interface Attempt {
  readonly limits?: UnpackLimits;
  readonly files?: Files;
  readonly signal?: AbortSignal;
}

/** Opens a blob in a work folder of its own, and looks at what stays behind. */
async function attempt(
  t: TestContext,
  packed: Omit<PackedTar, 'label' | 'blob'> & { blob: Uint8Array },
  how: Attempt = {},
) {
  const doors = doorsIn(scratch(t));
  let disposed = 0;
  const blob = {
    ...memorySource(packed.blob),
    async [Symbol.asyncDispose]() {
      disposed++;
    },
  };
  const options = { files: doors.files, workFolder: doors.workFolder, ...how };
  try {
    const { tar, diffId } = await openTar({ ...packed, label: 'layer x', blob }, options);
    assert.deepEqual(leftovers(doors).names, [], 'a spool has no name');
    const bytes = await readAll(tar, 64 << 20);
    await tar[Symbol.asyncDispose]();
    return { bytes: Buffer.from(bytes), diffId };
  } finally {
    assert.equal(disposed, 1, 'the blob is disposed of once');
    assert.deepEqual(leftovers(doors), { names: [], spools: 0 });
  }
}

function identity(bytes: Uint8Array) {
  return { digest: digestOf(bytes), size: bytes.length };
}

const GOOD: Readonly<Record<string, { readonly blob: Buffer; readonly tar: Buffer }>> = {
  plain: { blob: NOISE, tar: NOISE },
  empty: { blob: Buffer.alloc(0), tar: Buffer.alloc(0) },
  gzip: { blob: gzipSync(TEXT), tar: TEXT },
  'gzip of noise': { blob: gzipSync(NOISE), tar: NOISE },
  'gzip of nothing': { blob: gzipSync(''), tar: Buffer.alloc(0) },
  'several gzip members': {
    blob: Buffer.concat([gzipSync(TEXT), gzipSync(''), gzipSync(NOISE)]),
    tar: Buffer.concat([TEXT, NOISE]),
  },
  zstd: { blob: zstdCompressSync(TEXT), tar: TEXT },
  'zstd of noise': { blob: zstdCompressSync(NOISE), tar: NOISE },
  'several zstd frames': {
    blob: Buffer.concat([SKIPPED, zstdCompressSync(TEXT), SKIPPED, zstdCompressSync(NOISE), SKIPPED]),
    tar: Buffer.concat([TEXT, NOISE]),
  },
};

for (const [name, { blob, tar }] of Object.entries(GOOD)) {
  test(`unpacked: ${name}`, async (t) => {
    const found = await attempt(t, { blob, stored: identity(blob), diffId: digestOf(tar) });
    assert.ok(found.bytes.equals(tar));
    assert.equal(found.diffId, digestOf(tar));
    assert.equal((await attempt(t, { blob })).diffId, digestOf(tar));
    const sha512 = digestOf(tar, 'sha512');
    assert.equal((await attempt(t, { blob, diffId: sha512 })).diffId, sha512);
  });
}

const SMALL = gzipSync('a small text');
const SMALL_ZSTD = zstdCompressSync('a small text');
const CORRUPT = (() => {
  const bytes = gzipSync(TEXT);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x40;
  return bytes;
})();

const BAD: Readonly<
  Record<string, { readonly blob: Uint8Array; readonly error: RegExp; readonly code?: OciErrorCode }>
> = {
  'half of a gzip': {
    blob: gzipSync(NOISE).subarray(0, 1_500_000),
    error: /^layer x: its gzip stream is corrupt: unexpected end of file$/,
  },
  'gzip without its last byte': { blob: SMALL.subarray(0, -1), error: /unexpected end of file/ },
  'gzip with half of a second member': {
    blob: Buffer.concat([SMALL, SMALL.subarray(0, 12)]),
    error: /unexpected end/,
  },
  'gzip with garbage behind': {
    blob: Buffer.concat([SMALL, Buffer.from('garbage')]),
    error: /corrupt: incorrect header check/,
  },
  'gzip with zeros behind': {
    blob: Buffer.concat([SMALL, Buffer.alloc(512)]),
    error: /its gzip stream has 512 bytes after the end/,
  },
  'gzip with a flipped bit': { blob: CORRUPT, error: /its gzip stream is corrupt/ },
  'gzip of reserved flags': {
    blob: Buffer.from('1f8b08e000000000000000', 'hex'),
    error: /its gzip stream is corrupt/,
  },
  'zstd without its last byte': {
    blob: SMALL_ZSTD.subarray(0, -1),
    error: /its zstd stream is corrupt: unexpected end/,
  },
  'zstd with a part of a second frame': {
    blob: Buffer.concat([SMALL_ZSTD, SMALL_ZSTD.subarray(0, 3)]),
    error: /zstd stream is corrupt: Trailing junk/,
  },
  'zstd with garbage behind': {
    blob: Buffer.concat([SMALL_ZSTD, Buffer.from('garbage')]),
    error: /Trailing junk/,
  },
  'zstd with a window of 4 GiB': {
    blob: Buffer.from('28b52ffd00b0', 'hex'),
    error: /zstd stream is corrupt/,
  },
  'zstd that needs a dictionary': {
    blob: Buffer.from('28b52ffd0158070000000100000000000000', 'hex'),
    error: /zstd stream is corrupt/,
  },
  xz: {
    blob: Buffer.from('fd377a585a000000', 'hex'),
    error: /^layer x is compressed with xz$/,
    code: 'unsupported',
  },
  bzip2: { blob: Buffer.from('BZh91AY'), error: /compressed with bzip2/, code: 'unsupported' },
};

for (const [name, { blob, error, code = 'invalid-layer' }] of Object.entries(BAD)) {
  test(`refused: ${name}`, async (t) => {
    for (const stored of [undefined, identity(blob)]) {
      await assert.rejects(attempt(t, { blob, ...(stored === undefined ? {} : { stored }) }), (cause) => {
        assert.ok(cause instanceof OciError, String(cause));
        assert.match(cause.message, error);
        assert.equal(cause.code, code);
        return true;
      });
    }
  });
}

test('a stream cut anywhere is an error', async (t) => {
  for (const whole of [SMALL, SMALL_ZSTD]) {
    for (let length = 4; length < whole.length; length++) {
      await assert.rejects(attempt(t, { blob: whole.subarray(0, length) }), { code: 'invalid-layer' });
    }
  }
});

test('bytes that were changed are told from a layer that was made wrong', async (t) => {
  const good = gzipSync(TEXT);
  const cases: readonly [Uint8Array, OciErrorCode, RegExp][] = [
    [CORRUPT, 'digest-mismatch', /^layer x: its bytes are wrong, their digest is sha256:/],
    [good.subarray(0, -100), 'size-mismatch', /^layer x: there are \d+ bytes, it must have \d+/],
    [Buffer.concat([good, Buffer.alloc(1)]), 'size-mismatch', /^layer x: there are more than/],
    [TEXT, 'size-mismatch', /^layer x: there are/],
  ];
  for (const [blob, code, message] of cases) {
    await assert.rejects(attempt(t, { blob, stored: identity(good), diffId: digestOf(TEXT) }), {
      code,
      message,
    });
  }
  for (const blob of [good, TEXT]) {
    await assert.rejects(attempt(t, { blob, stored: identity(blob), diffId: digestOf(NOISE) }), {
      code: 'digest-mismatch',
      message: /^layer x: its unpacked bytes have the digest .*, the image's configuration says/,
    });
  }
});

test('a bomb is stopped by its size', async (t) => {
  const blob = gzipSync(Buffer.alloc(8 << 20));
  const limits = { ...DEFAULT_UNPACK_LIMITS, size: 2 << 20 };
  await assert.rejects(attempt(t, { blob }, { limits }), {
    code: 'too-large',
    message: /^layer x: it unpacks to more than the 2.0 MiB allowed$/,
  });
});

test('a bomb is stopped by its ratio', async (t) => {
  const blob = zstdCompressSync(Buffer.alloc(32 << 20));
  const limits = { ...DEFAULT_UNPACK_LIMITS, ratioFrom: 16 << 20 };
  await assert.rejects(attempt(t, { blob }, { limits }), {
    code: 'too-large',
    message: /^layer x: .* of it unpack to more than 1[67].\d MiB, which only a decompression bomb does$/,
  });
  assert.equal((await attempt(t, { blob })).bytes.length, 32 << 20);
});

test('a disk that is full leaves nothing', async (t) => {
  const { files } = doorsIn(scratch(t));
  const full: Files = {
    ...files,
    async open(path, mode) {
      const file = await files.open(path, mode);
      const write = () => {
        throw new Error('the disk is full');
      };
      return { ...file, write };
    },
  };
  await assert.rejects(attempt(t, { blob: gzipSync(TEXT) }, { files: full }), /the disk is full/);
});

test('a signal ends it', async (t) => {
  const stop = new AbortController();
  const blob = gzipSync(NOISE);
  const running = attempt(t, { blob }, { signal: stop.signal });
  stop.abort(new Error('stop'));
  await assert.rejects(running, /stop/);
  await assert.rejects(attempt(t, { blob: NOISE }, { signal: stop.signal }), /stop/);
});
