import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type ByteSource,
  type Content,
  chunksOf,
  memorySource,
  readExactly,
  sha256OfStream,
  viewOf,
} from '@cairn/bytes';
import fc from 'fast-check';
import { type FatFile, type FatRequest, openFat32, planFat32, writeFat32 } from '../src/index.ts';
import { fileSource, patternSource, SparseMemory, scratchFolder, tool, writeImage } from './scratch.ts';

const MIB = 1 << 20;
const SMALLEST = 34_101_760;

function request(files: readonly FatFile[], given: Partial<FatRequest> = {}): FatRequest {
  return {
    size: 64 * MIB,
    label: 'ESP',
    volumeId: 0x1234abcd,
    time: { seconds: 1_700_000_001, nanoseconds: 500_000_000 },
    files,
    ...given,
  };
}

function textFile(path: string, text = path): FatFile {
  return { path, content: memorySource(Buffer.from(text)) };
}

/** Writes a volume to a file and has fsck.fat judge it. Gives the number of bytes that were written. */
async function makeVolume(path: string, wanted: FatRequest): Promise<number> {
  const layout = planFat32(wanted);
  const written = await writeImage(path, layout.size, (target) => writeFat32(layout, target));
  const report = tool('fsck.fat', ['-n', '-v', path]);
  assert.doesNotMatch(report, /differ|wrong|differences|Orphan|Dirty|unused but/i, report);
  return written;
}

function digest(source: ByteSource): Promise<string> {
  return sha256OfStream(chunksOf(source));
}

const ESP_FILES: readonly FatFile[] = [
  { path: 'EFI/BOOT/BOOTX64.EFI', content: patternSource(140_000, 1) },
  { path: 'EFI/systemd/systemd-bootx64.efi', content: patternSource(140_000, 2) },
  { path: 'EFI/cairn/0123456789abcdef.efi', content: patternSource(2 * MIB + 5, 3) },
  { path: 'EFI/cairn/0123456789abcdee.efi', content: patternSource(4096, 4) },
  textFile('loader/entries/cairn-7+3.conf', 'title Cairn\n'),
  textFile('loader/loader.conf', ''),
];

test('fsck.fat finds nothing, mtools give every file back', async (context) => {
  const folder = scratchFolder(context);
  const image = join(folder, 'esp.img');
  await makeVolume(image, request(ESP_FILES));
  const out = join(folder, 'out');
  mkdirSync(out);
  tool('mcopy', ['-s', '-i', image, '::EFI', '::loader', out]);
  for (const { path, content } of ESP_FILES) {
    await using copied = await fileSource(join(out, path));
    assert.equal(await digest(copied), await digest(content), path);
  }
  const listing = tool('mdir', ['-i', image, '::EFI/cairn']);
  assert.match(listing, /Volume Serial Number is 1234-ABCD/);
  assert.match(listing, /012345~1 EFI +4096 2023-11-14 +22:13 +0123456789abcdee\.efi/);
  assert.match(listing, /012345~2 EFI +2097157 2023-11-14 +22:13 +0123456789abcdef\.efi/);
  assert.match(tool('mlabel', ['-s', '-i', image, '::']), /Volume label is ESP/);
});

test('an ESP of 1 GiB with a file of 12 MB is written in about 12 MB', async (context) => {
  const image = join(scratchFolder(context), 'esp.img');
  const files = [{ path: 'EFI/cairn/0.efi', content: patternSource(12_000_000) }];
  const written = await makeVolume(image, request(files, { size: 1 << 30 }));
  assert.ok(written < 12_150_000, String(written));
  assert.match(tool('fsck.fat', ['-n', '-v', image]), /4096 bytes per cluster/);
});

test('files begin where they are asked to, and the clusters between them are free', async (context) => {
  const folder = scratchFolder(context);
  for (const [fileAlignment, size] of [
    [2048, 64 * MIB],
    [4096, SMALLEST],
    [2048, 600 * MIB],
    [1, SMALLEST],
  ] as const) {
    const image = join(folder, `${fileAlignment}-${size}`);
    const wanted = request([...ESP_FILES, textFile('a/last')], { fileAlignment, size });
    await makeVolume(image, wanted);
    const { files } = planFat32(wanted);
    assert.deepEqual(
      files.filter(({ clusters, position }) => clusters > 0 && position % fileAlignment !== 0),
      [],
    );
    await using source = await fileSource(image);
    const volume = await openFat32(source);
    for (const { path, content } of wanted.files) {
      assert.equal(await digest(await volume.open(path)), await digest(content), path);
    }
  }
});

test('holes of a file are not written and read as zeros', async (context) => {
  const image = join(scratchFolder(context), 'esp.img');
  const data = [{ start: 5 * MIB, end: 5 * MIB + 10 }];
  const sparse: Content = { ...patternSource(20 * MIB), data };
  const written = await makeVolume(image, request([{ path: 'sparse', content: sparse }]));
  assert.ok(written < 600_000, String(written));
  await using source = await fileSource(image);
  const content = await (await openFat32(source)).open('sparse');
  assert.deepEqual(
    await readExactly(content, 5 * MIB - 1, 12),
    Uint8Array.of(0, ...(await readExactly(sparse, 5 * MIB, 10)), 0),
  );
});

for (const [name, size, sectorSize, cluster] of [
  ['the smallest with sectors of 512', SMALLEST, 512, 512],
  ['128 MiB', 128 * MIB, 512, 512],
  ['256 MiB', 256 * MIB, 512, 512],
  ['300 MiB', 300 * MIB, 512, 4096],
  ['512 MiB', 512 * MIB, 512, 4096],
  ['8 GiB', 8 * 2 ** 30, 512, 4096],
  ['40 GiB', 40 * 2 ** 30, 512, 32_768],
  ['1 GiB with sectors of 4096', 2 ** 30, 4096, 4096],
] as const) {
  test(`a volume of ${name} is FAT32 with clusters of ${cluster}`, async (context) => {
    const image = join(scratchFolder(context), 'volume.img');
    await makeVolume(image, request([textFile('a/b')], { size, sectorSize }));
    const report = tool('fsck.fat', ['-n', '-v', image]);
    assert.match(report, /32 bit entries/);
    assert.match(report, new RegExp(` ${cluster} bytes per cluster`));
    const clusters = Number(/(\d+) data clusters/.exec(report)?.[1]);
    assert.ok(clusters >= 65_525 + 16, String(clusters));
    await using source = await fileSource(image);
    const volume = await openFat32(source);
    assert.equal(volume.clusterSize, cluster);
    assert.equal(volume.clusters, clusters);
    assert.equal((await volume.stat('A/B'))?.size, 3);
  });
}

test('too small for FAT32: the minimum is named', () => {
  for (const size of [MIB, SMALLEST - 512]) {
    assert.throws(() => planFat32(request([], { size })), {
      code: 'fat-too-small',
      message: new RegExp(`${SMALLEST} bytes`),
    });
  }
});

test('files that do not fit: the bytes that are missing are named', () => {
  const empty = planFat32(request([]));
  const exact = { path: 'x', content: patternSource(empty.freeBytes) };
  assert.equal(planFat32(request([exact])).freeBytes, 0);
  assert.throws(() => planFat32(request([{ path: 'x', content: patternSource(empty.freeBytes + 1) }])), {
    code: 'fat-no-space',
    message: /: 512 bytes \(512 B\) are missing/,
  });
});

test('a full volume is clean', async (context) => {
  const image = join(scratchFolder(context), 'volume.img');
  const { freeBytes } = planFat32(request([], { size: SMALLEST }));
  const full = { ...patternSource(freeBytes), data: [] };
  await makeVolume(image, request([{ path: 'x', content: full }], { size: SMALLEST }));
});

const aliases: readonly (readonly [name: string, shortName: string])[] = [
  ['BOOTX64.EFI', 'BOOTX64.EFI'],
  ['loader', 'LOADER'],
  ['loader.conf', 'LOADER~1.CON'],
  ['a.b.c.tar.gz', 'ABCTAR~1.GZ'],
  ['.hidden', 'HIDDEN~1'],
  ['with blank', 'WITHBL~1'],
  ['cairn-7+3.conf', 'CAIRN-~1.CON'],
  ['äöü.txt', '___~1.TXT'],
  ['日本語', '___~1'],
  ['x'.repeat(255), 'XXXXXX~1'],
  ['+', '_~1'],
  ['A'.repeat(13), 'AAAAAA~1'],
  ['A'.repeat(14), 'AAAAAA~1'],
  ['😀', '_~1'],
];

for (const [name, shortName] of aliases) {
  test(`the short name of ${name.slice(0, 20)} is ${shortName}`, async (context) => {
    const image = join(scratchFolder(context), 'volume.img');
    await makeVolume(image, request([textFile(name)]));
    await using source = await fileSource(image);
    const volume = await openFat32(source);
    const entries = await volume.list('/');
    assert.deepEqual(
      entries.map((entry) => [entry.name, entry.shortName]),
      [[name, shortName]],
    );
    assert.match(tool('mdir', ['-b', '-i', image, '::']), /::\/./);
  });
}

test('no two short names of a folder are the same, and none is another file’s name', async (context) => {
  const folder = scratchFolder(context);
  const image = join(folder, 'volume.img');
  const longNames = Array.from({ length: 120 }, (_, index) => `longname-${index}.txt`);
  const names = ['LONGNA~1.TXT', 'longna~3.txt', ...longNames];
  await makeVolume(image, request(names.map((name) => textFile(name))));
  await using source = await fileSource(image);
  const entries = await (await openFat32(source)).list('');
  assert.deepEqual(entries.map((entry) => entry.name).sort(), [...names].sort());
  assert.equal(new Set(entries.map((entry) => entry.shortName)).size, names.length);
  tool('mcopy', ['-i', image, '::*', folder]);
  for (const name of names) assert.equal(readFileSync(join(folder, name), 'utf8'), name);
});

const badNames: readonly { readonly name: string; readonly paths: readonly string[] }[] = [
  { name: 'forbidden characters', paths: ['a:b'] },
  { name: 'a control character', paths: ['a\u0001'] },
  { name: 'a trailing dot', paths: ['dir./x'] },
  { name: 'a trailing blank', paths: ['x '] },
  { name: '256 units', paths: ['x'.repeat(256)] },
  { name: 'dots', paths: ['a/../b'] },
  { name: 'an empty part', paths: ['a//b'] },
  { name: 'half a surrogate pair', paths: ['\ud800'] },
  { name: 'the same name in another case', paths: ['Name', 'nAME'] },
  { name: 'the same folder in another case', paths: ['EFI/a', 'efi/b'] },
  { name: 'a file that is a folder', paths: ['EFI', 'EFI/b'] },
  { name: 'a folder that is a file', paths: ['EFI/b', 'efi'] },
  { name: 'the same path twice', paths: ['a', 'a'] },
];

for (const { name, paths } of badNames) {
  test(`refused: ${name}`, () => {
    assert.throws(() => planFat32(request(paths.map((path) => textFile(path)))), {
      name: 'DiskError',
      code: 'fat-bad-name',
    });
  });
}

test('refused: a label in lower case, an id of 33 bits, a file of 4 GiB, half a sector', () => {
  const large = { path: 'x', content: patternSource(2 ** 32) };
  for (const wanted of [
    request([], { label: 'esp' }),
    request([], { label: 'TWELVE CHARS' }),
    request([], { volumeId: 2 ** 32 }),
    request([large], { size: 2 ** 34 }),
    request([], { size: 64 * MIB + 1 }),
  ]) {
    assert.throws(() => planFat32(wanted), { code: 'fat-invalid-request' });
  }
});

for (const [name, seconds, date] of [
  ['before 1980', -5, '1980-01-01'],
  ['in a leap year', 951_782_400, '2000-02-29'],
  ['after 2107', 2 ** 33, '2107-12-31'],
] as const) {
  test(`a time ${name} becomes ${date}`, async (context) => {
    const image = join(scratchFolder(context), 'volume.img');
    await makeVolume(image, request([textFile('x')], { time: { seconds, nanoseconds: 0 } }));
    assert.match(tool('mdir', ['-i', image, '::']), new RegExp(date));
  });
}

const FORBIDDEN = /[\p{Cc}"*/:<>?\\|]/u;

const anyName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => !FORBIDDEN.test(text) && !/[. ]$/.test(text) && text.isWellFormed());

const anyFiles = fc
  .array(
    fc.record({
      path: fc.array(anyName, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
      size: fc.integer({ min: 0, max: 5000 }),
    }),
    { maxLength: 12 },
  )
  .filter((rows) => canBePlanned(rows));

function canBePlanned(rows: readonly { path: string }[]): boolean {
  try {
    planFat32(request(rows.map(({ path }) => textFile(path))));
    return true;
  } catch {
    return false;
  }
}

test('any names: fsck.fat and the reader take what was written, which is the same each time', async (context) => {
  const image = join(scratchFolder(context), 'volume.img');
  await fc.assert(
    fc.asyncProperty(anyFiles, async (rows) => {
      const files = rows.map(({ path, size }) => ({ path, content: patternSource(size) }));
      const layout = planFat32(request(files, { size: SMALLEST }));
      const [one, two] = [new SparseMemory(SMALLEST), new SparseMemory(SMALLEST)];
      await writeFat32(layout, one);
      await writeFat32(planFat32(request(files, { size: SMALLEST })), two);
      assert.deepEqual(one.pages, two.pages);
      await makeVolume(image, request(files, { size: SMALLEST }));

      const volume = await openFat32(one);
      const found: { path: string; size: number }[] = [];
      for await (const { path, entry } of volume.walk()) {
        if (entry.kind === 'file') found.push({ path, size: (await volume.open(path)).size });
      }
      assert.deepEqual(byPath(found), byPath(rows));
    }),
    { numRuns: 12 },
  );
});

function byPath(rows: readonly { path: string; size: number }[]): [string, number][] {
  return rows.map(({ path, size }): [string, number] => [path, size]).sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

test('the reader takes a fragmented volume that mkfs.fat and mtools made', async (context) => {
  const folder = scratchFolder(context);
  const image = join(folder, 'volume.img');
  await writeImage(image, 64 * MIB, () => undefined);
  tool('mkfs.fat', ['-F', '32', '-n', 'OTHERS', '-i', 'cafe0001', '-s', '1', image]);
  const content = Buffer.from(await readExactly(patternSource(40_000), 0, 40_000));
  const input = join(folder, 'input');
  writeFileSync(input, content);
  for (const index of Array.from({ length: 8 }, (_, index) => index)) {
    tool('mcopy', ['-i', image, input, `::gap${index}`]);
  }
  for (const index of [0, 2, 4, 6]) tool('mdel', ['-i', image, `::gap${index}`]);
  writeFileSync(input, Buffer.concat([content, content, content]));
  tool('mmd', ['-i', image, '::Some Folder']);
  tool('mcopy', ['-i', image, input, '::Some Folder/Fragmented file with a long name.bin']);

  await using source = await fileSource(image);
  const volume = await openFat32(source);
  assert.equal(volume.label, 'OTHERS');
  assert.equal(volume.volumeId, 0xcafe0001);
  const read = await volume.open('/some folder/FRAGMENTED FILE WITH A LONG NAME.BIN');
  assert.deepEqual(Buffer.from(await readExactly(read, 0, read.size)), readFileSync(input));
  assert.deepEqual((await volume.list('')).map((entry) => entry.name).sort(), [
    'Some Folder',
    'gap1',
    'gap3',
    'gap5',
    'gap7',
  ]);
  assert.equal(await volume.stat('nothing'), undefined);
  assert.equal(await volume.stat('gap1/x'), undefined);
  await assert.rejects(volume.open('Some Folder'), { code: 'fat-not-found' });
  await assert.rejects(volume.list('gap1'), { code: 'fat-not-found' });
});

/** Damage at a place of the volume that only one check finds. The folders have clusters 2 to 4, FILE has 5 to 10. */
const damages: readonly {
  readonly name: string;
  readonly change: (view: DataView, places: { fat: number; root: number }) => void;
  readonly message: RegExp;
}[] = [
  { name: 'the boot signature', change: (view) => view.setUint8(510, 0), message: /no boot sector/ },
  {
    name: 'the sector size',
    change: (view) => view.setUint16(11, 513, true),
    message: /sector cannot have 513/,
  },
  { name: 'the cluster size', change: (view) => view.setUint8(13, 3), message: /cluster cannot have 3/ },
  { name: 'a FAT16 field', change: (view) => view.setUint16(22, 1, true), message: /FAT16/ },
  {
    name: 'the number of sectors',
    change: (view) => view.setUint32(32, 2 ** 31, true),
    message: /more than there are/,
  },
  { name: 'too few sectors', change: (view) => view.setUint32(32, 5000, true), message: /not FAT32/ },
  { name: 'a short FAT', change: (view) => view.setUint32(36, 10, true), message: /FAT is shorter/ },
  { name: 'the active FAT', change: (view) => view.setUint16(40, 0x85, true), message: /FAT number 5/ },
  { name: 'the root cluster', change: (view) => view.setUint32(44, 1, true), message: /cluster 1$/ },
  {
    name: 'a loop',
    change: (view, { fat }) => view.setUint32(fat + 6 * 4, 5, true),
    message: /comes back|longer/,
  },
  {
    name: 'a loop of a folder',
    change: (view, { fat }) => view.setUint32(fat + 3 * 4, 3, true),
    message: /comes back/,
  },
  {
    name: 'a chain out of the volume',
    change: (view, { fat }) => view.setUint32(fat + 5 * 4, 0x0ffffff0, true),
    message: /does not exist/,
  },
  {
    name: 'a short chain',
    change: (view, { fat }) => view.setUint32(fat + 6 * 4, 0x0fffffff, true),
    message: /only 2 clusters/,
  },
  {
    name: 'a folder inside of itself',
    change: (view, { root }) => view.setUint16(root + 512 + 2 * 32 + 26, 3, true),
    message: /shares clusters/,
  },
];

for (const { name, change, message } of damages) {
  test(`the reader finds damage: ${name}`, async () => {
    const files = [
      { path: 'D/SUB/X', content: patternSource(10) },
      { path: 'FILE', content: patternSource(3000) },
    ];
    const layout = planFat32(request(files, { size: SMALLEST }));
    const disk = new SparseMemory(layout.size);
    await writeFat32(layout, disk);
    const fat = layout.geometry.reservedSectors * 512;
    const head = new Uint8Array(2 * MIB);
    disk.read(0, head);
    change(viewOf(head), { fat, root: layout.directories[0]?.position ?? 0 });
    disk.write(0, head);
    await assert.rejects(readEverything(disk), { name: 'DiskError', code: 'fat-malformed', message });
  });
}

async function readEverything(disk: ByteSource): Promise<void> {
  const volume = await openFat32(disk);
  for await (const { path, entry } of volume.walk()) if (entry.kind === 'file') await volume.open(path);
}
