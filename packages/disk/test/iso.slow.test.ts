import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Content, memorySource, memoryTarget, offsetTarget, readExactly } from '@cairn/bytes';
import fc from 'fast-check';
import {
  DiskError,
  deriveUuid,
  ISO_APPLICATION_USE_POSITION,
  type IsoLayout,
  type IsoRequest,
  openFat32,
  openIso,
  PARTITION_TYPE,
  parseGpt,
  planFat32,
  planIso,
  writeFat32,
  writeIso,
} from '../src/index.ts';
import { fileSource, patternSource, SparseMemory, scratchFolder, tool, writeImage } from './scratch.ts';

const MIB = 1 << 20;
const SECTOR = 2048;
const TIME = { seconds: 1_700_000_001, nanoseconds: 0 };

const text = (value: string): Content => memorySource(new TextEncoder().encode(value));

const ROOT_SIZE = 3 * MIB + 4096;
const root = patternSource(ROOT_SIZE, 3);
const uki = patternSource(700_001, 5);
const esp = planFat32({
  size: 35 * MIB,
  label: 'ESP',
  volumeId: 0x1234,
  time: TIME,
  files: [
    { path: 'EFI/BOOT/BOOTX64.EFI', content: patternSource(12_345) },
    { path: 'EFI/cairn/0123.efi', content: uki },
  ],
  fileAlignment: SECTOR,
});
const ukiPlace = esp.files.find(({ path }) => path.startsWith('EFI/cairn'))?.position ?? 0;

/** A volume as live media are: root and ESP in partitions, both also as files. */
function liveRequest(): IsoRequest {
  return {
    volumeId: 'CAIRN_TEST',
    time: TIME,
    applicationUse: new TextEncoder().encode('for programs'),
    bootImage: 'efi.img',
    files: [
      { path: 'cairn/root.erofs', partition: 'cairn-live', offset: 0, size: ROOT_SIZE },
      { path: 'cairn/uki.efi', partition: 'ESP', offset: ukiPlace, size: uki.size },
      { path: 'efi.img', partition: 'ESP', offset: 0, size: esp.size },
      { path: 'cairn/release.json', content: text('{}\n') },
      { path: 'cairn/empty', content: text('') },
    ],
    disk: {
      diskUuid: deriveUuid('iso', 'disk'),
      partitions: [
        {
          label: 'cairn-live',
          type: PARTITION_TYPE.rootX86_64,
          uuid: deriveUuid('iso', 'root'),
          size: ROOT_SIZE,
        },
        { label: 'ESP', type: PARTITION_TYPE.esp, uuid: deriveUuid('iso', 'esp'), size: esp.size },
      ],
    },
  };
}

async function writeLive(path: string): Promise<IsoLayout> {
  const layout = planIso(liveRequest());
  await writeImage(path, layout.size, async (target) => {
    const [first, second] = layout.disk?.partitions ?? [];
    const bytes = await readExactly(root, 0, ROOT_SIZE);
    await target.write(first?.start ?? 0, bytes);
    await writeFat32(esp, offsetTarget(target, second?.start ?? 0));
    await writeIso(layout, target);
  });
  return layout;
}

async function bytesOf(source: { size: number; read: Content['read'] }): Promise<Buffer> {
  return Buffer.from(await readExactly(source, 0, source.size));
}

describe('a live volume', () => {
  test('is an ISO to xorriso, isoinfo and bsdtar', async (context) => {
    const folder = scratchFolder(context);
    const path = join(folder, 'live.iso');
    const layout = await writeLive(path);

    const image = layout.boot?.image.position ?? 0;
    const report = tool('xorriso', [
      '-indev',
      path,
      '-report_el_torito',
      'plain',
      '-report_system_area',
      'plain',
    ]);
    assert.match(report, /^El Torito catalog +: 19 +1$/m);
    assert.match(
      report,
      new RegExp(`^El Torito boot img : +1 +UEFI +y +none +0x0000 +0x00 +1 +${image / SECTOR}$`, 'm'),
    );
    assert.match(report, /^El Torito img path : +1 +\/efi\.img$/m);
    assert.match(report, /^System area summary: .*protective-msdos-label/m);
    assert.match(report, /^GPT partition name : +1 +63006100690072006e002d006c00690076006500/m);

    const described = tool('isoinfo', ['-d', '-i', path]);
    assert.match(described, /^Volume id: CAIRN_TEST$/m);
    assert.match(described, new RegExp(`^Volume size is: ${layout.size / SECTOR}$`, 'm'));
    assert.match(described, /^Rock Ridge signatures version 1 found/m);
    assert.match(described, /Arch 239/);
    const listed = tool('isoinfo', ['-R', '-f', '-i', path]).trim().split('\n').sort();
    assert.deepEqual(listed, [
      '/cairn',
      '/cairn/empty',
      '/cairn/release.json',
      '/cairn/root.erofs',
      '/cairn/uki.efi',
      '/efi.img',
    ]);
    const plain = tool('isoinfo', ['-f', '-i', path]).trim().split('\n').sort();
    assert.deepEqual(plain, [
      '/CAIRN',
      '/CAIRN/EMPTY.;1',
      '/CAIRN/RELEASE.JSON;1',
      '/CAIRN/ROOT.EROFS;1',
      '/CAIRN/UKI.EFI;1',
      '/EFI.IMG;1',
    ]);

    const out = join(folder, 'out');
    tool('mkdir', [out]);
    tool('bsdtar', ['-x', '-f', path, '-C', out]);
    assert.deepEqual(readFileSync(join(out, 'cairn/root.erofs')), await bytesOf(root));
    assert.deepEqual(readFileSync(join(out, 'cairn/uki.efi')), await bytesOf(uki));
    assert.equal(readFileSync(join(out, 'cairn/release.json'), 'utf8'), '{}\n');
    assert.equal(readFileSync(join(out, 'cairn/empty')).length, 0);
    assert.match(
      tool('bsdtar', ['-t', '-v', '-f', path]),
      /^-r--r--r-- +1 0 +0 +3 Nov 14 +2023 cairn\/release\.json$/m,
    );

    const image2 = join(out, 'efi.img');
    tool('fsck.fat', ['-n', image2]);
    tool('mcopy', ['-i', image2, '::/EFI/cairn/0123.efi', join(out, 'copied')]);
    assert.deepEqual(readFileSync(join(out, 'copied')), await bytesOf(uki));
  });

  test('is a disk to sgdisk, with its partitions where the files are', async (context) => {
    const path = join(scratchFolder(context), 'live.iso');
    const layout = await writeLive(path);
    assert.match(tool('sgdisk', ['-v', path]), /No problems found/);
    const table = tool('sgdisk', ['-p', path]);
    assert.match(table, /^ +1 +2048 +10239 .*8304 +cairn-live$/m);
    assert.match(table, /^ +2 +10240 +81919 .*EF00 +ESP$/m);
    assert.match(tool('sfdisk', ['--verify', path]), /No errors detected/);
    await using source = await fileSource(path);
    assert.deepEqual((await parseGpt(source)).partitions, layout.disk?.partitions);
    const blkid = tool('blkid', ['-p', '-o', 'export', path]);
    assert.match(blkid, /^LABEL=CAIRN_TEST$/m);
    assert.match(blkid, /^TYPE=iso9660$/m);
    assert.match(blkid, /^PTTYPE=gpt$/m);
  });

  test('lies on a larger disk, where the backup table is not at the end', async (context) => {
    const path = join(scratchFolder(context), 'stick');
    const layout = await writeLive(path);
    tool('truncate', ['-s', '200M', path]);
    await using source = await fileSource(path);
    const gpt = await parseGpt(source);
    assert.equal(gpt.usedBackup, false);
    assert.deepEqual(gpt.partitions, layout.disk?.partitions);
    assert.equal((await openIso(source)).size, layout.size);
  });

  test('is read back', async (context) => {
    const path = join(scratchFolder(context), 'live.iso');
    const layout = await writeLive(path);
    await using source = await fileSource(path);
    const volume = await openIso(source);
    assert.equal(volume.volumeId, 'CAIRN_TEST');
    assert.equal(volume.size, layout.size);
    assert.equal(volume.hasRockRidge, true);
    assert.equal(Buffer.from(volume.applicationUse).toString().replaceAll('\0', ''), 'for programs');
    assert.equal(ISO_APPLICATION_USE_POSITION, 33_651);
    assert.equal(readFileSync(path).toString('latin1', 33_651, 33_663), 'for programs');
    const { image } = layout.boot ?? { image: { position: 0, size: 0 } };
    assert.deepEqual(volume.bootEntries, [
      { platform: 0xef, bootable: true, emulation: 0, units: 1, position: image.position },
    ]);
    assert.deepEqual(
      (await volume.list('/cairn')).map(({ name, kind, mode, size }) => [name, kind, mode, size]),
      [
        ['empty', 'file', 0o100_444, 0],
        ['release.json', 'file', 0o100_444, 3],
        ['root.erofs', 'file', 0o100_444, ROOT_SIZE],
        ['uki.efi', 'file', 0o100_444, uki.size],
      ],
    );
    assert.deepEqual(await bytesOf(await volume.open('cairn/uki.efi')), await bytesOf(uki));
    const fat = await openFat32(await volume.open('efi.img'));
    assert.deepEqual(await bytesOf(await fat.open('EFI/cairn/0123.efi')), await bytesOf(uki));
    assert.equal(await volume.stat('cairn/none'), undefined);
    assert.equal(await volume.stat('efi.img/none'), undefined);
    await assert.rejects(volume.open('cairn'), { code: 'iso-not-found' });
    await assert.rejects(volume.list('efi.img'), { code: 'iso-not-found' });
  });

  test('is the same each time', async () => {
    const images = [memoryTarget(), memoryTarget()];
    for (const target of images) await writeIso(planIso(liveRequest()), target);
    assert.deepEqual(images[0]?.bytes(), images[1]?.bytes());
  });
});

test('a file of more than 4 GiB has several extents', async (context) => {
  const path = join(scratchFolder(context), 'big.iso');
  const size = 9 * 2 ** 30 + 5;
  const end = { start: size - 5, end: size };
  const content: Content = {
    size,
    data: [end],
    read(position, target) {
      for (let index = 0; index < target.length; index++)
        target[index] = position + index >= end.start ? 7 : 0;
      return Math.min(target.length, size - position);
    },
  };
  const layout = planIso({
    volumeId: 'BIG',
    time: TIME,
    files: [
      { path: 'big', content },
      { path: 'tail', content: text('behind it') },
    ],
  });
  const written = await writeImage(path, layout.size, (target) => writeIso(layout, target));
  assert.ok(written < 64 * 1024, `${written} bytes`);
  assert.match(tool('bsdtar', ['-t', '-v', '-f', path]), new RegExp(` ${size} .* big$`, 'm'));
  assert.match(tool('xorriso', ['-indev', path, '-lsl', '/']), new RegExp(` ${size} .* 'big'$`, 'm'));
  assert.equal(tool('bsdtar', ['-x', '-O', '-f', path, 'tail']), 'behind it');
  await using source = await fileSource(path);
  const volume = await openIso(source);
  const entry = await volume.stat('big');
  assert.deepEqual(
    entry?.extents.map((extent) => extent.size),
    [0xffff_f800, 0xffff_f800, size - 2 * 0xffff_f800],
  );
  const big = await volume.open('big');
  assert.equal(big.size, size);
  assert.deepEqual(await readExactly(big, size - 6, 6), Uint8Array.of(0, 7, 7, 7, 7, 7));
});

test('an ISO that xorriso made is read, long names too', async (context) => {
  const folder = scratchFolder(context);
  const long = 'a-long-name-'.repeat(20);
  tool('mkdir', ['-p', join(folder, 'in/some where/deeper')]);
  tool(
    'sh',
    ['-c', `printf hello > "in/some where/deeper/${long}"; printf x > in/boot.img; ln -s x in/link`],
    { cwd: folder },
  );
  const path = join(folder, 'foreign.iso');
  const args = ['-as', 'mkisofs', '-quiet', '-R', '-J', '-V', 'FOREIGN', '-o', path];
  tool('xorriso', [
    ...args,
    '-b',
    'boot.img',
    '-no-emul-boot',
    '-eltorito-alt-boot',
    '-e',
    'boot.img',
    '-no-emul-boot',
    join(folder, 'in'),
  ]);
  await using source = await fileSource(path);
  const volume = await openIso(source);
  assert.equal(volume.volumeId, 'FOREIGN');
  const paths: string[] = [];
  for await (const { path } of volume.walk()) paths.push(path);
  assert.deepEqual(paths.sort(), [
    'boot.catalog',
    'boot.img',
    'link',
    'some where',
    'some where/deeper',
    `some where/deeper/${long}`,
  ]);
  const content = await volume.open(`some where/deeper/${long}`);
  assert.equal(Buffer.from(await readExactly(content, 0, content.size)).toString(), 'hello');
  assert.deepEqual(
    volume.bootEntries.map(({ platform, bootable }) => [platform, bootable]),
    [
      [0, true],
      [0xef, true],
    ],
  );
});

test('any tree is read back, and listed by isoinfo', async (context) => {
  const folder = scratchFolder(context);
  const name = fc
    .oneof(
      fc.constantFrom(
        'a',
        'A',
        'a.b',
        'a.B',
        'ä',
        'x'.repeat(40),
        `${'x'.repeat(40)}y`,
        'release.json',
        '.hidden',
        'a.b.c',
      ),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 }),
    )
    .filter((value) => !/[/\0]/.test(value) && value !== '.' && value !== '..');
  const file = fc.record({
    names: fc.array(name, { minLength: 1, maxLength: 8 }),
    size: fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(0, 2047, 2048, 2049)),
  });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 60 }), async (candidates) => {
      // Only trees in which no path is both a file and a folder.
      const files = new Map<string, number>();
      for (const { names, size } of candidates) {
        const path = names.join('/');
        const taken = [...files.keys()].some(
          (other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
        );
        if (!taken) files.set(path, size);
      }
      const layout = planIso({
        volumeId: 'TREE',
        time: TIME,
        files: [...files].map(([path, size]) => ({ path, content: patternSource(size, size) })),
      });
      const image = new SparseMemory(layout.size);
      await writeIso(layout, image);
      const volume = await openIso(image);
      const found = new Map<string, number>();
      for await (const each of volume.walk()) {
        if (each.entry.kind === 'directory') continue;
        found.set(each.path, each.entry.size);
        const content = await volume.open(each);
        assert.deepEqual(await bytesOf(content), await bytesOf(patternSource(content.size, content.size)));
      }
      assert.deepEqual(found, files);
      if (count++ % 10 !== 0) return;
      const path = join(folder, 'tree.iso');
      await writeImage(path, layout.size, (target) => writeIso(layout, target));
      const listed = new Set(tool('isoinfo', ['-R', '-f', '-i', path]).split('\n'));
      for (const each of files.keys()) assert.ok(listed.has(`/${each}`), each);
    }),
    { numRuns: 150 },
  );
});

test('what cannot be', () => {
  const base = { volumeId: 'X', time: TIME, files: [] };
  const partition = { label: 'p', type: PARTITION_TYPE.esp, uuid: deriveUuid('a', 'p'), size: MIB };
  const disk = { diskUuid: deriveUuid('a', 'disk'), partitions: [partition] };
  const deep = 'd/'.repeat(8);
  const cases: readonly (readonly [IsoRequest, string, RegExp])[] = [
    [{ ...base, volumeId: 'lower' }, 'iso-invalid-request', /"lower" cannot be an ISO's volume id/],
    [{ ...base, applicationUse: new Uint8Array(513) }, 'iso-invalid-request', /513 bytes/],
    [{ ...base, bootImage: 'none' }, 'iso-invalid-request', /no boot image "none"/],
    [{ ...base, disk: { ...disk, partitions: [] } }, 'iso-invalid-request', /at least one partition/],
    [{ ...base, files: [{ path: 'a/../b', content: text('') }] }, 'iso-bad-name', /dots in the place/],
    [{ ...base, files: [{ path: 'x'.repeat(129), content: text('') }] }, 'iso-bad-name', /129 bytes/],
    [{ ...base, files: [{ path: `${deep}x`, content: text('') }] }, 'iso-bad-name', /more than 7 folders/],
    [
      { ...base, files: ['a', 'a/b'].map((path) => ({ path, content: text('') })) },
      'iso-bad-name',
      /"a\/b" is there twice, or/,
    ],
    [
      { ...base, disk, files: [{ path: 'a', partition: 'q', offset: 0, size: 1 }] },
      'iso-invalid-request',
      /"a" does not lie in a partition "q"/,
    ],
    [
      { ...base, disk, files: [{ path: 'a', partition: 'p', offset: MIB, size: 1 }] },
      'iso-invalid-request',
      /does not lie in/,
    ],
    [
      { ...base, disk, files: [{ path: 'a', partition: 'p', offset: 512, size: 1 }] },
      'iso-invalid-request',
      /multiple of 2048/,
    ],
    [
      {
        ...base,
        disk,
        files: Array.from({ length: 10_000 }, (_, index) => ({ path: `file-${index}`, content: text('') })),
      },
      'iso-too-large',
      /only 1\.0 MiB are before its first partition/,
    ],
  ];
  for (const [request, code, message] of cases) {
    assert.throws(
      () => planIso(request),
      (error) => {
        assert.ok(error instanceof DiskError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
