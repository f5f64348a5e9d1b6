import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteSource, memorySource, readExactly } from '@cairn/bytes';
import { openFat32, planFat32, writeFat32 } from '../src/index.ts';
import { extractRegions, type Region, regionSource, survive } from './mutate.ts';
import { patternSource, SparseMemory } from './scratch.ts';

const COUNT = 100_000;
/** Where the reader may be led to by a file of a few clusters. */
const MAX_CONTENT = 1 << 20;

const layout = planFat32({
  size: 34_101_760,
  label: 'MUTATION',
  volumeId: 1,
  time: { seconds: 1_700_000_000, nanoseconds: 0 },
  files: [
    { path: 'EFI/cairn/a long name of a file.efi', content: patternSource(2500) },
    { path: 'EFI/BOOT/BOOTX64.EFI', content: patternSource(700) },
    { path: 'loader/loader.conf', content: patternSource(0) },
    { path: 'loader/entries/cairn-7+3.conf', content: patternSource(100) },
  ],
});

const REGIONS: readonly Region[] = [
  { position: 0, length: 96 },
  { position: 510, length: 2 },
  { position: layout.geometry.reservedSectors * 512, length: (layout.usedClusters + 4) * 4 },
  ...layout.directories.map(({ position, bytes }) => ({ position, length: bytes.length })),
];

async function readEverything(disk: ByteSource): Promise<number> {
  const volume = await openFat32(disk);
  let found = 0;
  for await (const file of volume.walk()) {
    found++;
    if (file.entry.kind === 'directory') continue;
    const content = await volume.open(file);
    if (content.size <= MAX_CONTENT) await readExactly(content, 0, content.size);
  }
  return found;
}

const disk = new SparseMemory(layout.size);
await writeFat32(layout, disk);
const whole = await extractRegions(disk, REGIONS);

// Not inside of a test: node:test follows every promise there, which makes this take three times as long.
const outcome = await survive({
  seed: 0xfa700001,
  corpus: [whole],
  count: COUNT,
  read: (bytes, index) =>
    readEverything(index % 16 === 0 ? memorySource(bytes) : regionSource(layout.size, REGIONS, bytes)),
});

test('the volume that is damaged is a good one', async () => {
  assert.equal(await readEverything(regionSource(layout.size, REGIONS, whole)), 9);
});

test(`openFat32 lists and reads, or refuses, ${COUNT} damaged volumes`, (context) => {
  context.diagnostic(`${outcome.accepted} taken, ${outcome.refused} refused`);
  assert.equal(outcome.accepted + outcome.refused, COUNT);
  assert.ok(outcome.accepted > COUNT / 10 && outcome.refused > COUNT / 10);
});
