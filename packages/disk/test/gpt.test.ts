import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, memorySource, viewOf } from '@cairn/bytes';
import fc from 'fast-check';
import {
  type DiskLayout,
  type DiskRequest,
  deriveUuid,
  encodeGpt,
  PARTITION_TYPE,
  parseGpt,
  planDisk,
} from '../src/index.ts';
import { fileSource, scratchFolder, tool, writeImage } from './scratch.ts';

const MIB = 1 << 20;

function request(given: Partial<DiskRequest> = {}): DiskRequest {
  return {
    diskUuid: deriveUuid('seed', 'disk'),
    partitions: [
      { label: 'ESP', type: PARTITION_TYPE.esp, uuid: deriveUuid('seed', 'esp'), size: 64 * MIB },
      {
        label: 'cairn-ä',
        type: PARTITION_TYPE.rootX86_64,
        uuid: deriveUuid('seed', 'a'),
        size: 5 * MIB - 7,
        attributes: 1n << 60n,
      },
      { label: 'COS_OEM', type: PARTITION_TYPE.linuxGeneric, uuid: deriveUuid('seed', 'oem'), size: MIB },
    ],
    ...given,
  };
}

/** The two tables of a small disk as one buffer. */
function smallDisk(given: Partial<DiskRequest> = {}): { layout: DiskLayout; bytes: Uint8Array } {
  const one = { label: 'x', type: PARTITION_TYPE.esp, uuid: deriveUuid('s', 'x'), size: MIB };
  const two = { label: 'y', type: PARTITION_TYPE.esp, uuid: deriveUuid('s', 'y'), size: MIB };
  const layout = planDisk(request({ partitions: [one, two], ...given }));
  const bytes = new Uint8Array(layout.size);
  const encoded = encodeGpt(layout);
  for (const part of [encoded.primary, encoded.backup]) bytes.set(part.bytes, part.position);
  return { layout, bytes };
}

async function writeDisk(path: string, layout: DiskLayout): Promise<void> {
  await writeImage(path, layout.size, async (target) => {
    const encoded = encodeGpt(layout);
    for (const part of [encoded.primary, encoded.backup]) await target.write(part.position, part.bytes);
  });
}

test('sgdisk, sfdisk and partx read the table as it was planned', async (context) => {
  const path = join(scratchFolder(context), 'disk.img');
  const layout = planDisk(request({ size: 200 * MIB }));
  await writeDisk(path, layout);

  assert.match(tool('sgdisk', ['-v', path]), /No problems found/);
  assert.match(tool('sfdisk', ['--verify', path]), /No errors detected/);
  const { partitiontable } = JSON.parse(tool('sfdisk', ['--json', path]));
  assert.equal(partitiontable.id.toLowerCase(), layout.diskUuid);
  assert.deepEqual(
    partitiontable.partitions.map((row: Record<string, string | number>) => [
      row['name'],
      String(row['type']).toLowerCase(),
      String(row['uuid']).toLowerCase(),
      row['start'],
      row['size'],
      row['attrs'],
    ]),
    layout.partitions.map((row) => [
      row.label,
      row.type,
      row.uuid,
      row.start / 512,
      row.size / 512,
      row.attributes === undefined ? undefined : 'GUID:60',
    ]),
  );
  assert.match(tool('sgdisk', ['-p', path]), /1 +2048 +133119 +64\.0 MiB +EF00 +ESP\n/);
  assert.match(tool('partx', ['--show', '--noheadings', '--output', 'NAME,UUID', path]), /cairn-ä/);
});

test('a disk with sectors of 4096 bytes is read by sgdisk through a loop device', async (context) => {
  const path = join(scratchFolder(context), 'disk.img');
  const layout = planDisk(request({ sectorSize: 4096 }));
  await writeDisk(path, layout);
  const device = tool('losetup', ['--show', '--find', '--read-only', '--sector-size', '4096', path]).trim();
  context.after(() => tool('losetup', ['--detach', device]));
  assert.match(tool('sgdisk', ['-v', device]), /No problems found/);
  assert.match(
    tool('sgdisk', ['-p', device]),
    /\(logical\/physical\): 4096\/4096 bytes|logical\): 4096 bytes/,
  );
  await using source = await fileSource(path);
  assert.deepEqual((await parseGpt(source, { sectorSize: 4096 })).partitions, layout.partitions);
});

test('a table that sgdisk wrote is read', async (context) => {
  const path = join(scratchFolder(context), 'disk.img');
  await writeImage(path, 50 * MIB, () => undefined);
  tool('sgdisk', [
    '-n',
    '3:2048:+10M',
    '-t',
    '3:ef00',
    '-c',
    '3:first',
    '-n',
    '7:0:0',
    '-A',
    '7:set:2',
    path,
  ]);
  await using source = await fileSource(path);
  const gpt = await parseGpt(source);
  assert.equal(gpt.protectiveMbr, true);
  assert.equal(gpt.usedBackup, false);
  assert.deepEqual(
    gpt.partitions.map(({ label, type, start, attributes }) => ({ label, type, start, attributes })),
    [
      { label: 'first', type: PARTITION_TYPE.esp, start: MIB, attributes: undefined },
      { label: '', type: PARTITION_TYPE.linuxGeneric, start: 11 * MIB, attributes: 4n },
    ],
  );
});

test('what is planned and written is what is read, and both are the same each time', async () => {
  const partition = fc.record({
    label: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((label) => !label.includes('\0')),
    type: fc.constantFrom(...Object.values(PARTITION_TYPE)),
    size: fc.integer({ min: 1, max: 3 * MIB }),
    name: fc.string(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(partition, { maxLength: 4, selector: (row) => row.name }),
      fc.constantFrom(512 as const, 4096 as const),
      async (rows, sectorSize) => {
        const partitions = rows.map(({ name, ...row }) => ({ ...row, uuid: deriveUuid('p', name) }));
        const { layout, bytes } = smallDisk({ partitions, sectorSize });
        assert.deepEqual(smallDisk({ partitions, sectorSize }).bytes, bytes);
        const gpt = await parseGpt(memorySource(bytes), { sectorSize });
        assert.deepEqual(gpt.partitions, layout.partitions);
        assert.equal(gpt.diskUuid, layout.diskUuid);
        assert.equal(gpt.damage, undefined);
        for (const row of layout.partitions) assert.equal(row.start % MIB, 0);
      },
    ),
    { numRuns: 25 },
  );
});

test('the smallest disk is named, and taken', () => {
  const { minimalSize } = planDisk(request());
  assert.equal(planDisk(request({ size: minimalSize })).size, minimalSize);
  assert.throws(() => planDisk(request({ size: minimalSize - 512 })), {
    code: 'gpt-too-small',
    message: new RegExp(`${minimalSize} bytes`),
  });
});

const badRequests: readonly { readonly name: string; readonly given: Partial<DiskRequest> }[] = [
  { name: 'a disk UUID that is none', given: { diskUuid: 'x' } },
  { name: 'a disk of half a sector more', given: { size: 200 * MIB + 256 } },
  { name: 'a label of 37 units', given: withPartition({ label: 'x'.repeat(37) }) },
  { name: 'a size of zero', given: withPartition({ size: 0 }) },
  { name: 'a size that is no integer', given: withPartition({ size: 1.5 }) },
  { name: 'a type that is no UUID', given: withPartition({ type: 'linux' }) },
  {
    name: 'the same UUID twice',
    given: { partitions: [...request().partitions, ...request().partitions.slice(0, 1)] },
  },
  {
    name: '129 partitions',
    given: {
      partitions: Array.from({ length: 129 }, (_, index) => ({
        label: '',
        type: PARTITION_TYPE.esp,
        uuid: deriveUuid('many', String(index)),
        size: 1,
      })),
    },
  },
];

function withPartition(given: Partial<DiskRequest['partitions'][number]>): Partial<DiskRequest> {
  const base = { label: 'x', type: PARTITION_TYPE.esp, uuid: deriveUuid('s', 'x'), size: MIB };
  return { partitions: [{ ...base, ...given }] };
}

for (const { name, given } of badRequests) {
  test(`refused: ${name}`, () => {
    assert.throws(() => planDisk(request(given)), { name: 'DiskError', code: 'gpt-invalid-request' });
  });
}

/** Changes made to a header or its first entry, checksums put right afterwards, so that only the check in question fails. */
const damages: readonly {
  readonly name: string;
  readonly change: (header: DataView, entries: DataView) => void;
  readonly message: RegExp;
}[] = [
  { name: 'signature', change: (header) => header.setUint8(0, 0), message: /no signature/ },
  { name: 'revision', change: (header) => header.setUint32(8, 2, true), message: /revision is 0x2/ },
  { name: 'own location', change: (header) => header.setUint8(24, 9), message: /belongs to sector 9/ },
  {
    name: 'first usable',
    change: (header) => header.setBigUint64(40, 1n, true),
    message: /usable sectors, 1/,
  },
  {
    name: 'last usable',
    change: (header) => header.setBigUint64(48, 1n << 60n, true),
    message: /usable sectors/,
  },
  {
    name: 'entries on the header',
    change: (header) => header.setUint32(72, 1, true),
    message: /entries cannot be/,
  },
  {
    name: 'entries past usable',
    change: (header) => header.setUint32(72, 9, true),
    message: /entries cannot be/,
  },
  {
    name: 'entry count',
    change: (header) => header.setUint32(80, 0xffffffff, true),
    message: /cannot have 4294967295/,
  },
  {
    name: 'entry size',
    change: (header) => header.setUint32(84, 192, true),
    message: /entries of 192 bytes/,
  },
  {
    name: 'start before usable',
    change: (_, entries) => entries.setBigUint64(32, 3n, true),
    message: /lies outside/,
  },
  {
    name: 'end before start',
    change: (_, entries) => entries.setBigUint64(40, 3n, true),
    message: /lies outside/,
  },
  {
    name: 'end past usable',
    change: (_, entries) => entries.setBigUint64(40, 1n << 62n, true),
    message: /lies outside/,
  },
  { name: 'overlap', change: (_, entries) => entries.setBigUint64(40, 5000n, true), message: /overlap/ },
  { name: 'the same UUID', change: copyFirstUuid, message: /same UUID/ },
];

function copyFirstUuid(_: DataView, entries: DataView): void {
  for (let index = 0; index < 16; index++) entries.setUint8(128 + 16 + index, entries.getUint8(16 + index));
}

function repairChecksums(header: DataView, entries: Uint8Array): void {
  header.setUint32(88, crc32(entries), true);
  header.setUint32(16, 0, true);
  header.setUint32(16, crc32(new Uint8Array(header.buffer, header.byteOffset, 92)), true);
}

for (const { name, change, message } of damages) {
  test(`a primary table with damage at "${name}" gives way to the backup, which says why`, async () => {
    const { layout, bytes } = smallDisk();
    const header = viewOf(bytes.subarray(512, 1024));
    const entries = bytes.subarray(1024, 1024 + 128 * 128);
    change(header, viewOf(entries));
    repairChecksums(header, entries);
    const gpt = await parseGpt(memorySource(bytes));
    assert.equal(gpt.usedBackup, true);
    assert.match(gpt.damage ?? '', message);
    assert.deepEqual(gpt.partitions, layout.partitions);
  });
}

for (const [name, position] of [
  ['header', 512 + 60],
  ['entries', 1024 + 60],
] as const) {
  test(`a flipped bit in the primary ${name} is found by its checksum; in both tables it is an error`, async () => {
    const { layout, bytes } = smallDisk();
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    const gpt = await parseGpt(memorySource(bytes));
    assert.match(gpt.damage ?? '', new RegExp(`checksum of its ${name} is wrong`));
    assert.deepEqual(gpt.partitions, layout.partitions);

    const last = bytes.length - 512;
    bytes[last + 60] = (bytes[last + 60] ?? 0) ^ 1;
    await assert.rejects(parseGpt(memorySource(bytes)), { name: 'DiskError', code: 'gpt-malformed' });
  });
}

test('a disk without a table, and one without room for it', async () => {
  await assert.rejects(parseGpt(memorySource(new Uint8Array(MIB))), { code: 'gpt-malformed' });
  await assert.rejects(parseGpt(memorySource(new Uint8Array(700))), { code: 'gpt-malformed' });
  const { bytes } = smallDisk();
  bytes.fill(0, 0, 512);
  assert.equal((await parseGpt(memorySource(bytes))).protectiveMbr, false);
});

test('derived UUIDs are of version 8, differ by seed and name, and never change', () => {
  assert.match(deriveUuid('a', 'b'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(deriveUuid('a', 'b'), deriveUuid('b', 'a'));
  assert.notEqual(deriveUuid('ab', ''), deriveUuid('a', 'b'));
  // printf 'seed\0esp' | sha256sum
  assert.equal(deriveUuid('seed', 'esp'), '76f3d6d6-e74c-82bb-b2a8-338287916b27');
});
