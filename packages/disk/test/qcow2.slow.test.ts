import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ByteTarget, type Content, copy } from '@cairn/bytes';
import fc from 'fast-check';
import { Qcow2Writer, writeQcow2 } from '../src/index.ts';
import { mulberry32 } from './mutate.ts';
import { patternSource, SparseMemory, scratchFolder, tool, writeImage } from './scratch.ts';

const MIB = 1 << 20;
const CLUSTER = 64 * 1024;

/** qemu-img finds nothing to mend in the image, and the same bytes as in the raw one. */
function assertSame(image: string, raw: string): void {
  assert.match(tool('qemu-img', ['check', '-f', 'qcow2', image]), /No errors were found/);
  assert.match(tool('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', image, raw]), /Images are identical/);
}

async function writeBoth(
  folder: string,
  disk: Content,
): Promise<{ image: string; raw: string; written: number }> {
  const [image, raw] = [join(folder, 'disk.qcow2'), join(folder, 'disk.raw')];
  await writeImage(raw, disk.size, (target) => copyData(disk, target));
  const written = await writeImage(image, 0, (target) => writeQcow2(disk, target));
  return { image, raw, written };
}

async function copyData(disk: Content, target: ByteTarget): Promise<void> {
  for (const { start, end } of disk.data ?? [{ start: 0, end: disk.size }]) {
    const bytes = new Uint8Array(end - start);
    await disk.read(start, bytes);
    await target.write(start, bytes);
  }
}

const disks: readonly { readonly name: string; readonly disk: Content }[] = [
  { name: 'full', disk: patternSource(5 * MIB + 512) },
  { name: 'empty', disk: { ...patternSource(3 * MIB), data: [] } },
  { name: 'of no bytes', disk: patternSource(0) },
  {
    name: 'sparse over several second-level tables',
    disk: {
      ...patternSource(1536 * MIB),
      data: [
        { start: 0, end: 100 },
        { start: CLUSTER - 1, end: CLUSTER + 1 },
        { start: 512 * MIB - 5, end: 512 * MIB + 5 },
        { start: 1024 * MIB, end: 1027 * MIB + 17 },
        { start: 1536 * MIB - 512, end: 1536 * MIB },
      ],
    },
  },
];

for (const { name, disk } of disks) {
  test(`a disk that is ${name} is the same to qemu-img`, async (context) => {
    const { image, raw } = await writeBoth(scratchFolder(context), disk);
    assertSame(image, raw);
    const info = JSON.parse(tool('qemu-img', ['info', '--output=json', image]));
    assert.equal(info['virtual-size'], disk.size);
    assert.equal(info['cluster-size'], CLUSTER);
    assert.equal(info['format-specific'].data.compat, '1.1');
  });
}

test('qemu-img converts an image to the bytes that went in', async (context) => {
  const folder = scratchFolder(context);
  const { image, raw } = await writeBoth(folder, patternSource(5 * MIB + 512));
  const back = join(folder, 'back.raw');
  tool('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, back]);
  assert.deepEqual(readFileSync(back), readFileSync(raw));
});

test('clusters of zeros are not stored', async (context) => {
  const zeros: Content = {
    size: 64 * MIB,
    read(_, target) {
      target.fill(0);
      return target.length;
    },
  };
  const { image, raw, written } = await writeBoth(scratchFolder(context), zeros);
  assertSame(image, raw);
  assert.ok(written <= 4 * CLUSTER, String(written));
});

test('over 2 GiB of data there are several blocks of reference counts', async (context) => {
  const image = join(scratchFolder(context), 'disk.qcow2');
  const clusters = 40_000;
  await writeImage(image, 0, async (file) => {
    // The data itself is left out of the file, where it would only take time: the check looks at the tables.
    const tables: ByteTarget = {
      write: (position, chunk) => (chunk.length === 1 ? undefined : file.write(position, chunk)),
    };
    const writer = new Qcow2Writer(tables, clusters * CLUSTER);
    for (let cluster = 0; cluster < clusters; cluster++) {
      await writer.write(cluster * CLUSTER, Uint8Array.of(1));
    }
    await writer.finish();
  });
  const report = tool('qemu-img', ['check', image]);
  assert.match(report, /No errors were found/);
  assert.match(report, /40000\/40000 = 100.00% allocated/);
});

test('writes in any order, over one another and across clusters, are what is read', async (context) => {
  const folder = scratchFolder(context);
  const [image, raw] = [join(folder, 'disk.qcow2'), join(folder, 'disk.raw')];
  const size = 4 * MIB;
  const write = fc.record({
    position: fc.integer({ min: 0, max: size - 1 }),
    length: fc.integer({ min: 0, max: 3 * CLUSTER }),
    zeros: fc.boolean(),
    seed: fc.integer(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 12 }), async (writes) => {
      const memory = new SparseMemory(size);
      await writeImage(image, 0, async (target) => {
        const writer = new Qcow2Writer(target, size);
        for (const { position, length, zeros, seed } of writes) {
          const random = mulberry32(seed);
          const chunk = new Uint8Array(Math.min(length, size - position));
          if (!zeros) for (let index = 0; index < chunk.length; index += 7) chunk[index] = random();
          memory.write(position, chunk);
          await writer.write(position, chunk);
        }
        await writer.finish();
      });
      await writeImage(raw, size, (target) => copy(memory, target));
      assertSame(image, raw);
    }),
    { numRuns: 10 },
  );
});

test('the same writes give the same file', async (context) => {
  const disk = { ...patternSource(8 * MIB), data: [{ start: 5, end: 2 * MIB }] };
  const one = readFileSync((await writeBoth(scratchFolder(context), disk)).image);
  const two = readFileSync((await writeBoth(scratchFolder(context), disk)).image);
  assert.deepEqual(one, two);
});

test('refused: half a sector, a negative size, a position outside', async () => {
  const target = new SparseMemory(MIB);
  for (const size of [513, -512, 2 ** 53]) {
    assert.throws(() => new Qcow2Writer(target, size), { name: 'DiskError', code: 'qcow2-invalid-request' });
  }
  const writer = new Qcow2Writer(target, 1024);
  await assert.rejects(writer.write(1000, new Uint8Array(25)), { code: 'qcow2-invalid-request' });
  await assert.rejects(writer.write(-1, new Uint8Array(1)), { code: 'qcow2-invalid-request' });
});

test('an aborted signal stops the writing', async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(writeQcow2(patternSource(MIB), new SparseMemory(MIB), { signal }), {
    name: 'AbortError',
  });
});
