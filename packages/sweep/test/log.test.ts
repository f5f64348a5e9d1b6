import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { memorySource, memoryTarget, viewOf } from '@cairn/bytes';
import fc from 'fast-check';
import { type LogEntry, LogWriter, readLog, readLogSuperblock, SweepError } from '../src/index.ts';

async function entriesOf(bytes: Uint8Array): Promise<LogEntry[]> {
  return Array.fromAsync(readLog(memorySource(bytes)));
}

async function sampleLog(sectorSize = 512): Promise<Uint8Array> {
  const target = memoryTarget();
  const log = new LogWriter(target, { sectorSize });
  await log.write(8 * sectorSize, new Uint8Array(2 * sectorSize).fill(7));
  await log.mark('half way');
  await log.flush();
  await log.discard(0, 100 * sectorSize);
  await log.write(3 * sectorSize, new Uint8Array(sectorSize).fill(9), { fua: true });
  await log.flush();
  return target.bytes();
}

for (const sectorSize of [512, 4096]) {
  test(`a log with sectors of ${sectorSize} bytes comes back as it was written`, async () => {
    const bytes = await sampleLog(sectorSize);
    assert.deepEqual(await readLogSuperblock(memorySource(bytes)), { entries: 6, sectorSize });
    const entries = await entriesOf(bytes);
    const shown = entries.map((entry) => [
      entry.position / sectorSize,
      entry.length / sectorSize,
      [entry.flush && 'flush', entry.fua && 'fua', entry.discard && 'discard', entry.mark]
        .filter(Boolean)
        .join(),
    ]);
    assert.deepEqual(shown, [
      [8, 2, ''],
      [0, 0, 'half way'],
      [0, 0, 'flush'],
      [0, 100, 'discard'],
      [3, 1, 'fua'],
      [0, 0, 'flush'],
    ]);
    assert.equal(bytes[entries[0]?.dataPosition ?? 0], 7);
    assert.equal(bytes[entries[4]?.dataPosition ?? 0], 9);
  });
}

test('what the superblock does not count is left out', async () => {
  const bytes = await sampleLog();
  viewOf(bytes).setBigUint64(16, 3n, true);
  assert.equal((await entriesOf(bytes)).length, 3);
});

const FAULTS: readonly (readonly [string, RegExp, (view: DataView) => void])[] = [
  ['another magic number', /magic number/, (view) => view.setUint8(0, 0)],
  ['a later version', /version 2/, (view) => view.setUint8(8, 2)],
  ['sectors of 513 bytes', /513 bytes/, (view) => view.setUint32(24, 513, true)],
  ['sectors of 256 bytes', /256 bytes/, (view) => view.setUint32(24, 256, true)],
  ['more entries than there are', /ends at entry 6 of 7/, (view) => view.setUint8(16, 7)],
  ['more entries than can be', /number of entries/, (view) => view.setBigUint64(16, 2n ** 63n, true)],
  ['a flag that is not known', /entry 0 has flags 0x10/, (view) => view.setUint8(512 + 16, 16)],
  ['data beyond its end', /ends in the data of entry 0/, (view) => view.setUint32(512 + 8, 1 << 20, true)],
  ['a sector beyond all disks', /beyond all disks/, (view) => view.setUint32(512 + 4, 0xfffff, true)],
  [
    'a mark that is longer than a sector',
    /mark of 481 bytes/,
    (view) => view.setUint16(2048 + 24, 481, true),
  ],
];
for (const [name, message, change] of FAULTS) {
  test(`a log with ${name} is refused`, async () => {
    const bytes = await sampleLog();
    change(viewOf(bytes));
    await assert.rejects(entriesOf(bytes), (error) => {
      assert.ok(error instanceof SweepError && error.code === 'log-malformed');
      assert.match(error.message, message);
      return true;
    });
  });
}

test('any row of writes comes back', async () => {
  const step = fc.record({
    sector: fc.nat(1 << 20),
    sectors: fc.integer({ min: 1, max: 9 }),
    kind: fc.constantFrom('write', 'fua', 'discard', 'flush'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const target = memoryTarget();
      const log = new LogWriter(target);
      for (const [index, { sector, sectors, kind }] of steps.entries()) {
        if (kind === 'flush') await log.flush();
        else if (kind === 'discard') await log.discard(sector * 512, sectors * 512);
        else
          await log.write(sector * 512, new Uint8Array(sectors * 512).fill(index), { fua: kind === 'fua' });
      }
      await log.finish();
      const bytes = target.bytes();
      const entries = await entriesOf(bytes);
      assert.equal(entries.length, steps.length);
      for (const [index, { sector, sectors, kind }] of steps.entries()) {
        const entry = entries[index];
        assert.ok(entry !== undefined);
        assert.equal(entry.flush, kind === 'flush');
        assert.equal(entry.fua, kind === 'fua');
        assert.equal(entry.discard, kind === 'discard');
        if (kind === 'flush') continue;
        assert.deepEqual([entry.position, entry.length], [sector * 512, sectors * 512]);
        if (kind !== 'discard') assert.equal(bytes[entry.dataPosition + sectors * 512 - 1], index);
      }
    }),
    { numRuns: 200 },
  );
});

test("QEMU's blklogwrites writes what we read", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-sweep-log-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'disk'), new Uint8Array(1 << 20));
  writeFileSync(join(folder, 'log'), '');
  const options = 'driver=blklogwrites,file.driver=file,file.filename=disk,log.driver=file,log.filename=log';
  const commands = [
    `open -o ${options},log-sector-size=512`,
    'write -P 7 4096 1024',
    'flush',
    'discard 0 64k',
    'write -z 65536 4096',
    'write -P 9 512 512',
    'flush',
  ];
  execFileSync(
    'qemu-io',
    commands.flatMap((command) => ['-c', command]),
    { cwd: folder, stdio: 'ignore' },
  );
  const bytes = readFileSync(join(folder, 'log'));
  const shown = (await entriesOf(bytes)).map((entry) => [
    entry.flush ? 'flush' : entry.discard ? 'discard' : bytes[entry.dataPosition],
    entry.position,
    entry.length,
  ]);
  // How often it flushes by itself, on writing zeros and on closing, differs between versions.
  assert.deepEqual(shown.slice(0, 2), [
    [7, 4096, 1024],
    ['flush', 0, 0],
  ]);
  assert.deepEqual(
    shown.slice(2).filter(([kind]) => kind !== 'flush'),
    [
      ['discard', 0, 65_536],
      [0, 65_536, 4096],
      [9, 512, 512],
    ],
  );
  assert.equal(shown.at(-1)?.[0], 'flush');
});
