import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteSource, memorySource, readExactly } from '@cairn/bytes';
import { openIso, planIso, writeIso } from '../src/index.ts';
import { survive } from './mutate.ts';
import { patternSource, SparseMemory } from './scratch.ts';

const COUNT = 100_000;
const SECTOR = 2048;
/** Sectors of descriptors and folders of the volume below: nearly all that is read has a meaning. */
const MAX_CONTENT = 1 << 20;

const layout = planIso({
  volumeId: 'MUTATION',
  time: { seconds: 1_700_000_000, nanoseconds: 0 },
  bootImage: 'efi.img',
  files: [
    { path: 'cairn/release.json', content: patternSource(100) },
    { path: 'cairn/deeper/a name with blanks', content: patternSource(5000) },
    { path: 'cairn/root.erofs', content: patternSource(3000) },
    { path: 'efi.img', content: patternSource(4096) },
  ],
});
const image = new SparseMemory(layout.size);
await writeIso(layout, image);
const whole = await readExactly(image, 0, image.size);

/** Without the zeros before the descriptors; the reader gets them back. */
const start = 16 * SECTOR;
const body = whole.subarray(start);

function withSystemArea(bytes: Uint8Array): ByteSource {
  const source = memorySource(bytes);
  return {
    size: start + bytes.length,
    read(position, target) {
      if (position >= start) return source.read(position - start, target);
      const count = Math.min(target.length, start - position);
      target.fill(0, 0, count);
      return count;
    },
  };
}

async function readEverything(source: ByteSource): Promise<number> {
  const volume = await openIso(source);
  let found = 0;
  for await (const file of volume.walk()) {
    found++;
    if (file.entry.kind === 'directory') continue;
    const content = await volume.open(file);
    if (content.size <= MAX_CONTENT) await readExactly(content, 0, content.size);
  }
  return found;
}

/** What is not data: the first sector of each is where damage has a meaning. */
const METADATA = [
  { position: 0, length: 1400 },
  { position: SECTOR, length: 80 },
  { position: 2 * SECTOR, length: 8 },
  { position: 3 * SECTOR, length: 80 },
  ...layout.directories.map(({ position }) => ({ position: position - start, length: 700 })),
  { position: layout.continuation - start, length: 240 },
];
const dense = new Uint8Array(METADATA.reduce((sum, { length }) => sum + length, 0));
let offset = 0;
for (const { position, length } of METADATA) {
  dense.set(body.subarray(position, position + length), offset);
  offset += length;
}

/** The whole volume again, with damaged metadata in it. */
function spread(bytes: Uint8Array): Uint8Array {
  const result = body.slice();
  let from = 0;
  for (const { position, length } of METADATA) {
    result.set(bytes.subarray(from, from + length), position);
    from += length;
  }
  return result;
}

// Not inside of a test: node:test follows every promise there, which makes this take three times as long.
const outcome = await survive({
  seed: 0x15090001,
  corpus: [dense],
  count: COUNT,
  read: (bytes, index) =>
    readEverything(index % 16 === 0 ? memorySource(bytes) : withSystemArea(spread(bytes))),
});

test('the volume that is damaged is a good one', async () => {
  assert.equal(await readEverything(memorySource(whole)), 6);
  assert.equal(await readEverything(withSystemArea(spread(dense))), 6);
});

test(`openIso lists and reads, or refuses, ${COUNT} damaged volumes`, (context) => {
  context.diagnostic(`${outcome.accepted} taken, ${outcome.refused} refused`);
  assert.equal(outcome.accepted + outcome.refused, COUNT);
  assert.ok(outcome.accepted > COUNT / 10 && outcome.refused > COUNT / 10);
});
