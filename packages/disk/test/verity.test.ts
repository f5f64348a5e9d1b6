import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { equalBytes, memorySource, sha256Hex } from '@cairn/bytes';
import { DiskError, VerityWriter, verifyVerity } from '../src/index.ts';
import { bytes } from './erofs-sample.ts';
import { scratchFolder } from './scratch.ts';
import { BLOCK, dataOf, seal, testAgainstVeritysetup, UUID_BYTES } from './verity-support.ts';

const SALT = 'aabbccddeeff00112233445566778899';
const LONGEST_SALT = '5a'.repeat(256);

const cases: readonly (readonly [blocks: number, salt: string])[] = [
  ...[1, 2, 127, 128, 129, 1000].map((blocks): [number, string] => [blocks, '']),
  [1, SALT],
  [129, SALT],
  [3000, SALT],
  [200, LONGEST_SALT],
];

testAgainstVeritysetup(cases);

test('without a salt the root hash is the hash of the top block', async () => {
  const { image, result } = await seal(dataOf(300));
  const top = image.subarray(result.hashOffset + BLOCK, result.hashOffset + 2 * BLOCK);
  assert.equal(result.rootHash, sha256Hex(top));
});

test('the way the data is cut into chunks changes nothing', async () => {
  const data = dataOf(300);
  const { image } = await seal(data);
  for (const chunkSize of [1000, BLOCK, BLOCK - 1, BLOCK * 300]) {
    assert.ok(equalBytes((await seal(data, '', chunkSize)).image, image), `${chunkSize}`);
  }
});

test('data is passed on in order, hashes go behind it in large writes', async () => {
  const size = 64 << 20;
  const writes: { position: number; length: number }[] = [];
  const writer = new VerityWriter(
    { write: (position, chunk) => void writes.push({ position, length: chunk.length }) },
    size,
    { uuid: UUID_BYTES },
  );
  const chunk = new Uint8Array(1 << 20);
  for (let position = 0; position < size; position += chunk.length) await writer.write(position, chunk);
  const { totalSize } = await writer.finish();
  const data = writes.filter(({ position }) => position < size);
  assert.deepEqual(
    data,
    Array.from({ length: 64 }, (_, i) => ({ position: i << 20, length: 1 << 20 })),
  );
  const hashes = writes.filter(({ position }) => position >= size).sort((a, b) => a.position - b.position);
  assert.ok(hashes.length < 12, `${hashes.length} writes`);
  let end = size;
  for (const { position, length } of hashes) {
    assert.equal(position, end);
    end += length;
  }
  assert.equal(end, totalSize);
});

test('one flipped bit anywhere is found, and its block is named', async () => {
  const { image, result } = await seal(dataOf(300), SALT);
  const { hashOffset, rootHash } = result;
  const levels = hashOffset + BLOCK;
  const places: readonly (readonly [position: number, said: RegExp])[] = [
    [0, /^data block 0, at byte 0,/],
    [BLOCK * 129 + 17, /^data block 129, at byte 528384,/],
    [hashOffset - 1, /^data block 299,/],
    [levels, /^block 0 of level 1 of the hash tree/],
    [levels + BLOCK + 5, /^block 0 of level 0 of the hash tree/],
    [levels + BLOCK * 3 + 5, /^block 2 of level 0 of the hash tree/],
    [hashOffset + 88, /^block 0 of level 1/],
    [hashOffset + 72, /header is for 301 data blocks, but 300/],
  ];
  for (const [position, said] of places) {
    const damaged = image.with(position, (image[position] ?? 0) ^ 1);
    await assert.rejects(verifyVerity(memorySource(damaged), rootHash, { hashOffset }), (error) => {
      assert.ok(error instanceof DiskError);
      assert.equal(error.code, 'verity-corrupt');
      assert.match(error.message, said);
      return true;
    });
  }
  const other = `${rootHash.startsWith('0') ? '1' : '0'}${rootHash.slice(1)}`;
  await assert.rejects(verifyVerity(memorySource(image), other, { hashOffset }), { code: 'verity-corrupt' });
  await verifyVerity(memorySource(image), rootHash.toUpperCase(), { hashOffset });
});

test('a data block is checked where there is no tree but the header', async () => {
  const { image, result } = await seal(dataOf(1));
  const { hashOffset, rootHash } = result;
  await assert.rejects(
    verifyVerity(memorySource(image.with(5, 1)), rootHash, { hashOffset }),
    /data block 0/,
  );
});

test('an image that ends too early is corrupt', async () => {
  const { image, result } = await seal(dataOf(300));
  const { hashOffset, rootHash } = result;
  for (const size of [hashOffset, hashOffset + 511, hashOffset + BLOCK, image.length - 1]) {
    const cut = memorySource(image.subarray(0, size));
    await assert.rejects(verifyVerity(cut, rootHash, { hashOffset }), { code: 'verity-corrupt' }, `${size}`);
  }
});

test('verifying can be given up', async () => {
  const { image, result } = await seal(dataOf(300));
  const signal = AbortSignal.abort(new Error('enough'));
  const { hashOffset, rootHash } = result;
  await assert.rejects(verifyVerity(memorySource(image), rootHash, { hashOffset, signal }), /enough/);
});

test('what cannot be is refused', async () => {
  const uuid = UUID_BYTES;
  const nowhere = { write: () => undefined };
  const invalid = { code: 'verity-invalid-request' };
  for (const size of [0, -BLOCK, 100, BLOCK + 1, Number.NaN, 2 ** 60]) {
    assert.throws(() => new VerityWriter(nowhere, size, { uuid }), invalid, `${size}`);
  }
  assert.throws(() => new VerityWriter(nowhere, BLOCK, { uuid: bytes(15, 1) }), invalid);
  assert.throws(() => new VerityWriter(nowhere, BLOCK, { uuid, salt: bytes(257, 1) }), invalid);

  const writer = new VerityWriter(nowhere, BLOCK * 2, { uuid });
  await assert.rejects(writer.write(BLOCK, bytes(BLOCK, 1)), invalid);
  await writer.write(0, bytes(BLOCK, 1));
  await assert.rejects(writer.write(0, bytes(BLOCK, 1)), invalid);
  await assert.rejects(writer.write(BLOCK, bytes(BLOCK + 1, 1)), invalid);
  await assert.rejects(writer.finish(), invalid);
  await assert.rejects(verifyVerity(memorySource(bytes(9000, 1)), 'abc', { hashOffset: BLOCK }), invalid);
});

test('an error of the target is the error of the writer', async () => {
  const full = { write: () => Promise.reject(new Error('no space')) };
  await assert.rejects(
    new VerityWriter(full, BLOCK, { uuid: UUID_BYTES }).write(0, bytes(BLOCK, 1)),
    /no space/,
  );
});

test('veritysetup agrees that a damaged image is damaged', async (t) => {
  const path = join(scratchFolder(t), 'image');
  const { image, result } = await seal(dataOf(300));
  writeFileSync(path, image.with(BLOCK * 7, (image[BLOCK * 7] ?? 0) ^ 0x80));
  const { status } = spawnSync('veritysetup', [
    'verify',
    path,
    path,
    result.rootHash,
    `--hash-offset=${result.hashOffset}`,
  ]);
  assert.notEqual(status, 0);
});
