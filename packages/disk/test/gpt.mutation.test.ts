import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, memorySource, viewOf } from '@cairn/bytes';
import { deriveUuid, encodeGpt, PARTITION_TYPE, parseGpt, planDisk } from '../src/index.ts';
import { extractRegions, type Region, regionSource, survive } from './mutate.ts';
import { SparseMemory } from './scratch.ts';

const COUNT = 100_000;
const SECTOR = 512;
/** A short table, so that most of what is changed means something. */
const ENTRIES = 8;
const ENTRY_BYTES = ENTRIES * 128;

const layout = planDisk({
  diskUuid: deriveUuid('mutation', 'disk'),
  partitions: ['one', 'two', 'three'].map((label, index) => ({
    label,
    type: Object.values(PARTITION_TYPE)[index] ?? PARTITION_TYPE.esp,
    uuid: deriveUuid('mutation', label),
    size: 5 << 20,
  })),
});

const REGIONS: readonly Region[] = [
  { position: 0, length: 2 * SECTOR + ENTRY_BYTES },
  { position: layout.size - 33 * SECTOR, length: ENTRY_BYTES },
  { position: layout.size - SECTOR, length: SECTOR },
];
/** Where headers and entries are in an input. */
const TABLES = [
  { header: SECTOR, entries: 2 * SECTOR },
  { header: 2 * SECTOR + 2 * ENTRY_BYTES, entries: 2 * SECTOR + ENTRY_BYTES },
] as const;

/** Puts the checksums right, so that the checks behind them are reached. */
function repair(bytes: Uint8Array): void {
  for (const table of TABLES) {
    if (bytes.length < table.header + SECTOR) continue;
    const header = viewOf(bytes.subarray(table.header, table.header + SECTOR));
    const wanted = header.getUint32(80, true) * header.getUint32(84, true);
    const entries = bytes.subarray(table.entries, table.entries + Math.min(wanted, ENTRY_BYTES));
    header.setUint32(88, crc32(entries), true);
    header.setUint32(16, 0, true);
    const size = Math.min(header.getUint32(12, true), SECTOR);
    header.setUint32(16, crc32(bytes.subarray(table.header, table.header + size)), true);
  }
}

const disk = new SparseMemory(layout.size);
const encoded = encodeGpt(layout);
for (const part of [encoded.primary, encoded.backup]) disk.write(part.position, part.bytes);
const whole = await extractRegions(disk, REGIONS);
for (const table of TABLES) viewOf(whole).setUint32(table.header + 80, ENTRIES, true);
repair(whole);

// Not inside of a test: node:test follows every promise there, which makes this take three times as long.
const outcome = await survive({
  seed: 0x69707401,
  corpus: [whole],
  count: COUNT,
  async read(bytes, index) {
    if (index % 8 === 0) return parseGpt(memorySource(bytes));
    if (index % 4 !== 0) repair(bytes);
    const gpt = await parseGpt(regionSource(layout.size, REGIONS, bytes));
    for (const { start, size } of gpt.partitions) {
      assert.ok(start >= gpt.usable.start && start + size <= gpt.usable.end && size > 0);
    }
    assert.ok(gpt.usable.start > 0 && gpt.usable.end < layout.size);
    return gpt;
  },
});

test('the table that is damaged is a good one', async () => {
  const { partitions, damage } = await parseGpt(regionSource(layout.size, REGIONS, whole));
  assert.deepEqual(partitions, layout.partitions);
  assert.equal(damage, undefined);
});

test(`parseGpt takes or refuses ${COUNT} damaged tables`, (context) => {
  context.diagnostic(`${outcome.accepted} taken, ${outcome.refused} refused`);
  assert.equal(outcome.accepted + outcome.refused, COUNT);
  assert.ok(outcome.accepted > COUNT / 10 && outcome.refused > COUNT / 10);
});
