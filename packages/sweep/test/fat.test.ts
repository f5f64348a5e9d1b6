import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memorySource, viewOf } from '@cairn/bytes';
import { openFat32, planFat32, writeFat32 } from '@cairn/disk';
import fc from 'fast-check';
import { readEsp } from '../src/boot/esp.ts';
import { namesLike, parseFatDirectory } from '../src/fat/directory.ts';
import { FatChains, parseFatShape } from '../src/fat/volume.ts';
import { SweepError } from '../src/index.ts';
import { makeDisk, makeRelease, Recorder, SparseDisk, usualNode } from './node.ts';

const old = await makeRelease('old', 1);
const other = await makeRelease('other', 3);

/** What is on a volume, by our reader: path and content. */
function listVolume(disk: SparseDisk): Map<string, string> {
  const read = (sector: number) => disk.slice(sector * 512, (sector + 1) * 512);
  const shape = parseFatShape(read(0), disk.size / 512);
  const chains = new FatChains(shape, read);
  const files = new Map<string, string>();
  const contents = (extents: readonly { sector: number; count: number }[]) =>
    Buffer.concat(extents.map(({ sector, count }) => disk.slice(sector * 512, (sector + count) * 512)));
  function walk(cluster: number, path: string): void {
    for (const name of parseFatDirectory(contents(chains.directory(cluster)))) {
      if (name.name === '.' || name.name === '..') continue;
      if (name.isDirectory) walk(name.firstCluster, `${path}/${name.name}`);
      else {
        const extents = chains.file(name.firstCluster, name.size);
        files.set(`${path}/${name.name}`, contents(extents).subarray(0, name.size).toString('latin1'));
      }
    }
  }
  walk(shape.rootCluster, '');
  return files;
}

async function listByDisk(disk: SparseDisk): Promise<Map<string, string>> {
  const volume = await openFat32(disk);
  const files = new Map<string, string>();
  async function walk(path: string): Promise<void> {
    for (const entry of await volume.list(path)) {
      const inner = `${path}/${entry.name}`;
      if (entry.kind === 'directory') await walk(inner);
      else {
        const content = await volume.open(inner);
        const data = new Uint8Array(content.size);
        await content.read(0, data);
        files.set(inner, Buffer.from(data).toString('latin1'));
      }
    }
  }
  await walk('');
  return files;
}

test('what mtools leaves is read as the reader of @cairn/disk reads it', async () => {
  using recorder = new Recorder(await makeDisk(usualNode(old, other)));
  const names = [
    'a',
    'README',
    'lower.txt',
    'Mixed.Case',
    'cairn-7+3.conf',
    'a very long name with blanks.conf.new',
    'ümlaut.txt',
  ];
  for (const [index, name] of names.entries())
    await recorder.copyIn(`loader/${name}`, `${name} `.repeat(index * 300));
  await recorder.rename('loader/Mixed.Case', 'loader/moved-to-a-long-name.conf');
  await recorder.remove('loader/a');
  await recorder.copyIn('loader/fragmented', 'x'.repeat(5000));
  const esp = recorder.esp();
  const ours = listVolume(esp);
  assert.deepEqual(ours, await listByDisk(esp));
  assert.equal(ours.size, 10 + names.length);
  assert.ok(ours.has('/loader/moved-to-a-long-name.conf'));
});

test('whatever planFat32 writes is read back', async () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_+-]{1,20}(\.[a-z]{1,4})?$/);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 12, selector: (text) => text.toUpperCase() }),
      async (names) => {
        const files = names.map((path, index) => ({
          path,
          content: memorySource(new Uint8Array(index * 400).fill(65 + index)),
        }));
        const disk = new SparseDisk(34 << 20);
        const layout = planFat32({
          size: disk.size,
          label: 'ESP',
          volumeId: 1,
          time: { seconds: 0, nanoseconds: 0 },
          files,
        });
        await writeFat32(layout, disk);
        const expected = names.map(
          (path, index) => [`/${path}`, String.fromCharCode(65 + index).repeat(index * 400)] as const,
        );
        assert.deepEqual(listVolume(disk), new Map(expected));
      },
    ),
    { numRuns: 15 },
  );
});

/** A folder with one long name. */
async function longNamed(): Promise<Uint8Array> {
  const layout = planFat32({
    size: 34 << 20,
    label: '',
    volumeId: 1,
    time: { seconds: 0, nanoseconds: 0 },
    files: [{ path: 'cairn-recovery.conf', content: memorySource(new Uint8Array(3)) }],
  });
  const [root] = layout.directories;
  assert.ok(root !== undefined && root.bytes.length === 96);
  return root.bytes.slice();
}

const TORN: readonly (readonly [string, (bytes: Uint8Array) => void])[] = [
  ['its first part is deleted', (bytes) => bytes.fill(0xe5, 0, 1)],
  ['its last part is deleted', (bytes) => bytes.fill(0xe5, 32, 33)],
  ['a part has another checksum', (bytes) => bytes.fill(0xaa, 45, 46)],
  ['a part is missing', (bytes) => bytes.fill(0xff, 0, 32)],
];
for (const [name, damage] of TORN) {
  test(`a long name of which ${name} is a short one`, async () => {
    const bytes = await longNamed();
    assert.deepEqual(
      parseFatDirectory(bytes).map((entry) => entry.name),
      ['cairn-recovery.conf'],
    );
    damage(bytes);
    assert.deepEqual(
      parseFatDirectory(bytes).map((entry) => entry.name),
      ['CAIRN-~1.CON'],
    );
  });
}

test('a folder ends at the first free entry', async () => {
  const bytes = await longNamed();
  bytes.fill(0, 64, 65);
  assert.deepEqual(parseFatDirectory(bytes), []);
});

test('names are looked up by long and by short name, whatever the case', async () => {
  const names = parseFatDirectory(await longNamed());
  for (const wanted of ['cairn-recovery.conf', 'CAIRN-RECOVERY.CONF', 'cairn-~1.con']) {
    assert.equal(namesLike(names, wanted).length, 1, wanted);
  }
  assert.equal(namesLike(names, 'cairn-recovery').length, 0);
});

async function usualEsp(): Promise<SparseDisk> {
  using recorder = new Recorder(await makeDisk(usualNode(old, other)));
  return recorder.esp();
}

const viewOfEsp = (esp: SparseDisk) =>
  readEsp((sector) => esp.slice(sector * 512, (sector + 1) * 512), esp.size / 512);

test('the ESP of a node', async () => {
  const view = viewOfEsp(await usualEsp());
  assert.equal(view.damage, undefined);
  assert.deepEqual(
    view.entries.map(({ entry }) => entry.fileName),
    ['cairn-4.conf', 'cairn-5.conf', 'cairn-recovery.conf'],
  );
  assert.ok(view.loaders.entry.length === 1 && view.loaders.fallback.length === 1);
});

const BOOT_DAMAGE: readonly (readonly [string, (boot: DataView) => void])[] = [
  ['no sector size', (boot) => boot.setUint16(11, 0, true)],
  ['clusters of 3 sectors', (boot) => boot.setUint8(13, 3)],
  ['no FAT', (boot) => boot.setUint8(16, 0)],
  ['a FAT16 size', (boot) => boot.setUint16(22, 9, true)],
  ['more sectors than there are', (boot) => boot.setUint32(32, 0x7fffffff, true)],
  ['a FAT that is too short', (boot) => boot.setUint32(36, 3, true)],
];
for (const [name, damage] of BOOT_DAMAGE) {
  test(`a volume with ${name} cannot be read`, async () => {
    const esp = await usualEsp();
    const boot = esp.slice(0, 512);
    damage(viewOf(boot));
    esp.write(0, boot);
    assert.notEqual(viewOfEsp(esp).damage, undefined);
  });
}

test('a folder whose chain breaks is empty, one without end is refused', async () => {
  const esp = await usualEsp();
  const read = (sector: number) => esp.slice(sector * 512, (sector + 1) * 512);
  const shape = parseFatShape(read(0), esp.size / 512);
  const fat = (cluster: number, value: number) =>
    esp.write(shape.fatSector * 512 + cluster * 4, new Uint8Array(new Uint32Array([value]).buffer));
  fat(shape.rootCluster, 0);
  assert.deepEqual(viewOfEsp(esp).entries, []);
  fat(shape.rootCluster, shape.rootCluster);
  assert.match(viewOfEsp(esp).damage ?? '', /no end/);
  const chains = new FatChains(shape, read);
  assert.throws(() => chains.file(0, 1), SweepError);
  assert.throws(() => chains.file(shape.clusters + 2, 1), SweepError);
  assert.deepEqual(chains.file(0, 0), []);
});
