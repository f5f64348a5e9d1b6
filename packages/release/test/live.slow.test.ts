import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ByteSource, memorySource, readExactly } from '@cairn/bytes';
import { ISO_APPLICATION_USE_POSITION } from '@cairn/disk';
import { realFiles } from '@cairn/host';
import { architectureNamed } from '../src/architecture.ts';
import {
  loadRelease,
  openLive,
  parseRelease,
  type Release,
  ReleaseError,
  type Rendered,
  renderRelease,
  writeDisk,
} from '../src/index.ts';
import { layOutLive, planLive } from '../src/media/live.ts';
import { planImage } from '../src/media/plan.ts';
import { sampleInput, tool } from './sample.ts';

const MIB = 2 ** 20;
const files = realFiles();
const CONFIG = new TextEncoder().encode('#cloud-config\nhostname: näher\n');
const OPTIONS = { architecture: 'amd64', slotSize: 64 * MIB } as const;
const FACTS = {
  rootUuid: 'f9cfa685-8920-8ade-88ca-05d6320b438e',
  rootSize: 8192 * 100,
  slotSize: 64 * MIB,
  architecture: architectureNamed('amd64'),
} as const;

describe('a live ISO', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-live-'));
  const out = join(folder, 'out');
  const iso = join(out, 'disk.iso');
  const extracted = join(folder, 'extracted');
  let rendered: Rendered;
  let release: Release;
  before(async () => {
    rendered = await renderRelease(
      sampleInput(),
      { files },
      { ...OPTIONS, out, disk: { format: 'iso', config: CONFIG } },
    );
    release = rendered.release;
    mkdirSync(extracted);
    tool('bsdtar', '-x', '-f', iso, '-C', extracted);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('lies in the release’s folder', () => {
    assert.equal(rendered.diskImage, iso);
    assert.deepEqual(readdirSync(out).sort(), [
      'disk.iso',
      'release.json',
      'root.erofs',
      'sbom.spdx.json',
      'uki.efi',
    ]);
  });

  test('has the whole release and the configuration as files', async () => {
    assert.deepEqual(readdirSync(extracted).sort(), ['cairn', 'efi.img']);
    assert.deepEqual(readdirSync(join(extracted, 'cairn')).sort(), [
      'config.yaml',
      'release.json',
      'root.erofs',
      'sbom.spdx.json',
      'uki.efi',
    ]);
    for (const name of ['release.json', 'root.erofs', 'sbom.spdx.json', 'uki.efi']) {
      assert.ok(readFileSync(join(extracted, 'cairn', name)).equals(readFileSync(join(out, name))), name);
    }
    assert.deepEqual(readFileSync(join(extracted, 'cairn/config.yaml')), Buffer.from(CONFIG));
    assert.deepEqual(await loadRelease(files, join(extracted, 'cairn')), release);
    assert.deepEqual(parseRelease(readFileSync(join(extracted, 'cairn/release.json'))), release);
  });

  test('says where the root is, in a line that dd finds', () => {
    const line = tool(
      'sh',
      '-c',
      `dd if="$0" bs=1 skip=${ISO_APPLICATION_USE_POSITION} count=64 status=none | head -n 1`,
      iso,
    );
    const [, offset = '', size = ''] = /^cairn-root=(\d+),(\d+)\n$/.exec(line) ?? [];
    assert.equal(Number(size), release.root.size);
    const root = join(folder, 'root');
    const args = ['bs=4096', `skip=${Number(offset) / 4096}`, `count=${Number(size) / 4096}`, 'status=none'];
    tool('dd', `if=${iso}`, `of=${root}`, ...args);
    const { hashOffset, rootHash } = release.root;
    tool('veritysetup', 'verify', `--hash-offset=${hashOffset}`, root, root, rootHash);
    tool('fsck.erofs', root);
  });

  test('is started by UEFI from a CD, and as a disk', () => {
    const report = tool('xorriso', '-indev', iso, '-report_el_torito', 'plain', '-pvd_info');
    assert.match(report, /^El Torito boot img : +1 +UEFI +y +none/m);
    assert.match(report, /^El Torito img path : +1 +\/efi\.img$/m);
    assert.match(report, /^Volume Id +: CAIRN_LIVE$/m);
    assert.match(tool('sgdisk', '-v', iso), /No problems found/);
    const table = tool('sgdisk', '-p', iso);
    assert.match(table, /^ +1 +2048 .*8304 +cairn-live$/m);
    assert.match(table, /^ +2 .*EF00 +ESP$/m);
    assert.match(tool('sgdisk', '-i', '1', iso), /Attribute flags: 1000000000000000/);
  });

  test('has an ESP with loader, release and one entry', () => {
    const esp = join(extracted, 'efi.img');
    tool('fsck.fat', '-n', esp);
    const id = release.root.rootHash.slice(0, 32);
    const listed = tool('mdir', '-/', '-b', '-i', esp, '::').trim().split('\n');
    assert.deepEqual(listed.filter((path) => !path.endsWith('/')).sort(), [
      '::/EFI/BOOT/BOOTX64.EFI',
      `::/EFI/cairn/${id}.efi`,
      `::/EFI/cairn/${id}.json`,
      '::/loader/entries/cairn-live.conf',
      '::/loader/loader.conf',
    ]);
    assert.equal(
      tool('mtype', '-i', esp, '::/loader/entries/cairn-live.conf'),
      `title Sample OS 7-dddddddd (live)\nsort-key cairn-live\nversion 7-dddddddd\nefi /EFI/cairn/${id}.efi\n`,
    );
    tool('mcopy', '-i', esp, `::/EFI/cairn/${id}.efi`, '::/EFI/BOOT/BOOTX64.EFI', folder);
    assert.ok(readFileSync(join(folder, `${id}.efi`)).equals(readFileSync(join(out, 'uki.efi'))));
    assert.ok(
      readFileSync(join(folder, 'BOOTX64.EFI')).equals(
        readFileSync('/usr/lib/systemd/boot/efi/systemd-bootx64.efi'),
      ),
    );
  });

  test('is the same when it is made later; with another configuration it has other ids', async () => {
    const later = join(folder, 'later.iso');
    await writeDisk(out, { files }, { out: later, format: 'iso', config: CONFIG });
    assert.ok(readFileSync(later).equals(readFileSync(iso)));
    const other = join(folder, 'other.iso');
    await writeDisk(out, { files }, { out: other, format: 'iso' });
    const guid = (path: string) => /Disk identifier \(GUID\): (\S+)/.exec(tool('sgdisk', '-p', path))?.[1];
    assert.notEqual(guid(other), guid(iso));
    assert.doesNotMatch(tool('bsdtar', '-t', '-f', other), /config\.yaml/);
  });

  test('is read without a mount, also from a larger disk that it was copied to', async () => {
    const stick = join(folder, 'stick');
    tool('cp', iso, stick);
    tool('truncate', '-s', '+20M', stick);
    for (const path of [iso, stick]) {
      await using medium = await files.open(path, 'read');
      const live = await openLive(medium);
      assert.deepEqual(live.release, release);
      assert.deepEqual(live.config, CONFIG);
      const bytes = async (source: ByteSource) => Buffer.from(await readExactly(source, 0, source.size));
      assert.ok((await bytes(live.root)).equals(readFileSync(join(out, 'root.erofs'))));
      assert.ok((await bytes(live.uki)).equals(readFileSync(join(out, 'uki.efi'))));
    }
  });

  test('is refused where it is cut off or something else', async () => {
    const other = join(folder, 'foreign.iso');
    tool('xorriso', '-as', 'mkisofs', '-quiet', '-r', '-V', 'OTHER', '-o', other, join(extracted, 'cairn'));
    const impostor = join(folder, 'impostor.iso');
    tool('xorriso', '-as', 'mkisofs', '-quiet', '-r', '-V', 'CAIRN_LIVE', '-o', impostor, extracted);
    tool('rm', '-rf', join(folder, 'poor'));
    tool('cp', '-r', extracted, join(folder, 'poor'));
    tool('truncate', '-s', '-4096', join(folder, 'poor/cairn/root.erofs'));
    const poor = join(folder, 'poor.iso');
    tool('xorriso', '-as', 'mkisofs', '-quiet', '-r', '-V', 'CAIRN_LIVE', '-o', poor, join(folder, 'poor'));
    const cut = join(folder, 'cut.iso');
    tool('cp', iso, cut);
    tool('truncate', '-s', '2M', cut);
    const cases = [
      [other, /this ISO is "OTHER", not "CAIRN_LIVE"/],
      [poor, /the medium's root\.erofs cannot have \d+ bytes/],
      [cut, /no live medium of Cairn's: .* there are only 2097152/],
      [join(out, 'root.erofs'), /no live medium of Cairn's: /],
    ] as const;
    for (const [path, message] of cases) {
      await using medium = await files.open(path, 'read');
      await assert.rejects(openLive(medium), (error) => {
        assert.ok(error instanceof ReleaseError);
        assert.equal(error.code, 'bad-release');
        assert.match(error.message, message);
        return true;
      });
    }
    // What another tool has written anew is a medium too, if all is there.
    await using medium = await files.open(impostor, 'read');
    assert.equal((await openLive(medium)).root.size, release.root.size);
  });

  test('takes little more than its files', () => {
    const { size } = memorySource(readFileSync(iso));
    assert.ok(size < release.root.size + 34 * MIB + 5 * MIB, String(size));
  });
});

test('an ESP has room for every UKI that a release may have', async () => {
  const { release } = await sampleRelease();
  const media = planLive(FACTS, undefined);
  const bootLoader = emptySource(140_000);
  for (const size of [
    1,
    20 * MIB,
    31 * MIB + 77,
    32 * MIB,
    33 * MIB,
    64 * MIB + 1,
    255 * MIB,
    260 * MIB,
    319 * MIB,
  ]) {
    const { iso, fat, esp } = layOutLive(media, release, {
      uki: emptySource(size),
      bootLoader,
      sbom: emptySource(5),
    });
    assert.equal(esp.size, fat.size);
    assert.ok(fat.size <= Math.max(34 * MIB, size * 1.03 + 3 * MIB), `${size} ${fat.size}`);
    assert.ok(iso.files.every(({ position }) => position % 2048 === 0));
  }
});

test('what an ISO cannot be', () => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => planImage({ format: 'iso', size: MIB }, FACTS), /it takes no size/],
    [() => planImage({ format: 'raw', config: CONFIG }, FACTS), /into an ISO, not into a raw disk/],
    [
      () => planImage({ format: 'iso', config: new Uint8Array(MIB + 1) }, FACTS),
      /configuration has 1048577 bytes, more than 1048576/,
    ],
    [() => planImage({ format: 'iso', config: Uint8Array.of(0xc0) }, FACTS), /not UTF-8/],
  ];
  for (const [attempt, message] of cases) {
    assert.throws(attempt, (error) => {
      assert.ok(error instanceof ReleaseError);
      assert.equal(error.code, 'bad-option');
      assert.match(error.message, message);
      return true;
    });
  }
  planImage({ format: 'iso', config: new Uint8Array(MIB) }, FACTS);
});

function emptySource(size: number) {
  return { size, data: [], read: (_: number, target: Uint8Array) => target.fill(0).length };
}

async function sampleRelease(): Promise<Rendered> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-live-'));
  try {
    return await renderRelease(sampleInput(), { files }, { ...OPTIONS, out: join(folder, 'out') });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
