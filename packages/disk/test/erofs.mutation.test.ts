import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { concatBytes, crc32cRaw, equalBytes, memorySource, viewOf } from '@cairn/bytes';
import { makeFile, makeSymlink, walk } from '@cairn/tree';
import { DiskError, openErofs } from '../src/index.ts';
import { bytes, directory, sparseContent } from './erofs-sample.ts';
import { imageOf } from './erofs-support.ts';
import { mutations } from './mutate.ts';

const INPUTS = 100_000;
const SEED = Number(process.env.CAIRN_SEED ?? 20_260_102);
const SUPERBLOCK_END = 1152;
const EXPECTED = new Set(['erofs-malformed', 'erofs-unsupported', 'erofs-too-large']);

/** An image without the long runs of zeros that a mutation would mostly hit, and the way back. */
interface Sample {
  readonly dense: Uint8Array;
  readonly metadataStart: number;
  /** What the superblock's checksum covers. */
  readonly firstBlock: Uint8Array;
  readonly size: number;
}

function sampleOf(image: Uint8Array, metadataStart: number): Sample {
  const end = image.findLastIndex((byte) => byte !== 0) + 1;
  return {
    dense: concatBytes([image.subarray(1024, SUPERBLOCK_END), image.subarray(metadataStart, end)]),
    metadataStart,
    firstBlock: image.slice(1024, 4096),
    size: image.length,
  };
}

/** The image of a damaged sample, with a checksum that fits: nearly all would end there otherwise. */
function imageFrom(dense: Uint8Array, { metadataStart, size, firstBlock }: Sample): Uint8Array {
  const image = new Uint8Array(size);
  const superblock = dense.subarray(0, SUPERBLOCK_END - 1024);
  image.set(superblock, 1024);
  image.set(dense.subarray(superblock.length, superblock.length + size - metadataStart), metadataStart);
  // What is in other blocks leaves the checksum as it is.
  const covered = image.slice(1024, 4096);
  if (!equalBytes(covered, firstBlock)) {
    covered.fill(0, 4, 8);
    viewOf(image).setUint32(1028, crc32cRaw(covered), true);
  }
  return image;
}

async function samples(folder: string): Promise<readonly Sample[]> {
  const xattrs = new Map([
    ['user.a', bytes(5, 1)],
    ['security.capability', bytes(20, 2)],
  ]);
  const linked = makeFile('linked');
  const kinds = directory({
    file: makeFile(bytes(50, 1), { xattrs }),
    folder: directory({ linked, device: { ...makeFile(''), kind: 'block-device', major: 8, minor: 1 } }),
    linked,
    link: makeSymlink('target'),
  });
  const blocks = directory({ two: makeFile(bytes(5000, 1)), long: makeSymlink('l'.repeat(4090)) });
  const sparse = directory({
    sparse: makeFile(sparseContent(90_000, [{ start: 8192, end: 9000 }])),
    hole: makeFile(sparseContent(2 ** 40, [])),
  });
  const images = await Promise.all([kinds, blocks, sparse].map((root) => imageOf(root)));
  return [...images.map((image) => sampleOf(image, 4096)), ...theirs(folder)];
}

/** Images with what our writer does not use: shared attributes, a chunk index of 8 bytes an entry, inodes in the first block. */
function theirs(folder: string): Sample[] {
  const files = join(folder, 'files');
  mkdirSync(join(files, 'folder'), { recursive: true });
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(join(files, name), bytes(100, 1));
    execFileSync('setfattr', ['-n', 'trusted.shared', '-v', 'the same for all', join(files, name)]);
  }
  symlinkSync('target', join(files, 'link'));
  const image = join(folder, 'image');
  const fixed = ['-T1', '-U00000000-0000-0000-0000-000000000001'];
  return [['-x1'], ['--chunksize=4096', '-Eforce-chunk-indexes']].map((options) => {
    execFileSync('mkfs.erofs', [...fixed, ...options, image, files], { stdio: 'pipe' });
    return sampleOf(readFileSync(image), SUPERBLOCK_END);
  });
}

/** Reads all there is of an image: every inode, and the start and end of every file. */
async function readWhole(image: Uint8Array): Promise<void> {
  const opened = await openErofs(memorySource(image));
  const buffer = new Uint8Array(100);
  for (const { inode } of walk(await opened.loadTree())) {
    if (inode.kind !== 'file') continue;
    const { content } = inode;
    await content.read(0, buffer);
    await content.read(Math.max(0, content.size - 50), buffer);
    for (const { start, end } of content.data ?? []) assert.ok(start < end && end <= content.size);
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

interface Outcome {
  readonly read: number;
  readonly refused: number;
  /** Of one input, in milliseconds. */
  readonly longest: number;
  /** Bytes of heap that stayed. */
  readonly grown: number;
}

async function readDamaged(all: readonly Sample[]): Promise<Outcome> {
  let read = 0;
  let refused = 0;
  let longest = 0;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const originals = all.map(({ dense }) => dense);
  for (const dense of mutations(SEED, originals, INPUTS)) {
    const number = read + refused;
    const image = imageFrom(dense, all[number % all.length] as Sample);
    const start = performance.now();
    try {
      await readWhole(image);
      read++;
    } catch (error) {
      const input = `input ${number} of seed ${SEED}`;
      assert.ok(error instanceof DiskError, `${input}: ${String(error)}`);
      assert.ok(EXPECTED.has(error.code), `${input}: ${error.code}`);
      refused++;
    }
    longest = Math.max(longest, performance.now() - start);
  }
  collectGarbage();
  return { read, refused, longest, grown: process.memoryUsage().heapUsed - before };
}

const folder = mkdtempSync(join(tmpdir(), 'cairn-erofs-'));
const all = await samples(folder);
rmSync(folder, { recursive: true });
// Before the first test: the runner follows every promise made in one, which takes longer than all the reading.
const outcome = await readDamaged(all);

test(`${INPUTS} damaged images are read, or refused with a DiskError`, (t) => {
  const { read, refused, longest, grown } = outcome;
  t.diagnostic(JSON.stringify(outcome));
  assert.equal(read + refused, INPUTS);
  assert.ok(Math.min(read, refused) > INPUTS / 20, `${read} read, ${refused} refused`);
  assert.ok(longest < 2000, `${longest} ms`);
  assert.ok(grown < 16 << 20, `${grown} bytes`);
});
