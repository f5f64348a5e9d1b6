import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { equalBytes, memorySource, memoryTarget, SequentialWriter } from '@cairn/bytes';
import {
  parseVeritySuperblock,
  type VerityResult,
  VerityWriter,
  verifyVerity,
  veritySize,
} from '../src/index.ts';
import { scratchFolder } from './scratch.ts';

const UUID = '01234567-89ab-cdef-0123-456789abcdef';
export const UUID_BYTES = Buffer.from(UUID.replaceAll('-', ''), 'hex');
export const BLOCK = 4096;

export interface Sealed {
  readonly image: Uint8Array;
  readonly result: VerityResult;
}

/** Data with its tree, written in chunks that fit no block. */
export async function seal(data: Uint8Array, salt = '', chunkSize = 100_003): Promise<Sealed> {
  const target = memoryTarget();
  const writer = new VerityWriter(target, data.length, { uuid: UUID_BYTES, salt: Buffer.from(salt, 'hex') });
  const chunks = new SequentialWriter(writer, { capacity: chunkSize });
  await chunks.write(data);
  await chunks.flush();
  const result = await writer.finish();
  return { image: target.bytes(), result };
}

export function dataOf(blocks: number): Uint8Array {
  const data = new Uint8Array(blocks * BLOCK);
  for (let i = 0; i < data.length; i += 97) data[i] = (i * 31 + (i >> 12)) & 0xff;
  return data;
}

/** A test for each number of blocks and salt: our bytes, and our root hash, are veritysetup's. */
export function testAgainstVeritysetup(cases: readonly (readonly [blocks: number, salt: string])[]): void {
  for (const [blocks, salt] of cases) {
    test(`${blocks} blocks with a salt of ${salt.length / 2} bytes: the same bytes as veritysetup's`, (t) =>
      compareWithVeritysetup(t, blocks, salt));
  }
}

async function compareWithVeritysetup(t: TestContext, blocks: number, salt: string): Promise<void> {
  const path = join(scratchFolder(t), 'image');
  const data = dataOf(blocks);
  const { image, result } = await seal(data, salt);
  assert.equal(result.hashOffset, data.length);
  assert.equal(result.totalSize, image.length);
  assert.equal(veritySize(data.length), image.length - data.length);

  writeFileSync(path, image);
  execFileSync('veritysetup', ['verify', path, path, result.rootHash, `--hash-offset=${data.length}`]);

  writeFileSync(path, data);
  const output = execFileSync('veritysetup', [
    'format',
    path,
    path,
    `--hash-offset=${data.length}`,
    `--data-blocks=${blocks}`,
    `--salt=${salt || '-'}`,
    `--uuid=${UUID}`,
  ]);
  assert.match(output.toString(), new RegExp(`Root hash:\\s+${result.rootHash}\n`));
  assert.ok(equalBytes(readFileSync(path), image));

  await verifyVerity(memorySource(image), result.rootHash, { hashOffset: result.hashOffset });
  assert.deepEqual(parseVeritySuperblock(image.subarray(data.length)), {
    uuid: new Uint8Array(UUID_BYTES),
    dataBlocks: blocks,
    salt: new Uint8Array(Buffer.from(salt, 'hex')),
  });
}
