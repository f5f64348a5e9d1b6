import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { alignUp, memorySource, sha256Hex } from '@cairn/bytes';
import { readUki } from '@cairn/disk';
import { realFiles } from '@cairn/host';
import { type ProgressEvent, parseRelease, type Rendered, renderRelease, writeDisk } from '../src/index.ts';
import {
  BASE_INITRD,
  fakeKernel,
  MODULE_TEXTS,
  sampleInput,
  scratchFolder,
  tool,
  VERSION,
} from './sample.ts';

const MIB = 2 ** 20;
const files = realFiles();
const OPTIONS = { architecture: 'amd64', commandLine: ['console=ttyS0'], slotSize: 64 * MIB } as const;

describe('a release', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-release-'));
  const out = join(folder, 'out');
  const events: ProgressEvent[] = [];
  let rendered: Rendered;
  before(async () => {
    rendered = await renderRelease(
      sampleInput(),
      { files },
      {
        ...OPTIONS,
        out,
        tool: 'cairn-0.1.0',
        disk: { format: 'raw' },
        onProgress: (event) => events.push(event),
      },
    );
  });
  after(() => rmSync(folder, { recursive: true }));
  const read = (name: string) => readFileSync(join(out, name));

  test('is a folder with its files, and nothing is beside it', () => {
    assert.deepEqual(readdirSync(folder), ['out']);
    assert.deepEqual(readdirSync(out).sort(), [
      'disk.raw',
      'release.json',
      'root.erofs',
      'sbom.spdx.json',
      'uki.efi',
    ]);
    assert.equal(rendered.diskImage, join(out, 'disk.raw'));
  });

  test('says what it is', () => {
    const { release } = rendered;
    assert.deepEqual(parseRelease(read('release.json')), release);
    assert.deepEqual(
      [release.name, release.version, release.architecture, release.kernel, release.init],
      ['Sample OS', '7-dddddddd', 'amd64', { version: VERSION }, { path: '/sbin/init', kind: 'systemd' }],
    );
    assert.deepEqual(release.image, { source: 'oci-layout', digest: `sha256:${'d'.repeat(64)}` });
    assert.equal(release.uki.sha256, sha256Hex(read('uki.efi')));
    assert.equal(release.sbom.sha256, sha256Hex(read('sbom.spdx.json')));
    assert.equal(release.root.size, read('root.erofs').length);
  });

  test('has a root that fsck.erofs and veritysetup take', () => {
    const { rootHash, hashOffset } = rendered.release.root;
    const root = join(out, 'root.erofs');
    tool('fsck.erofs', root);
    tool('veritysetup', 'verify', `--hash-offset=${hashOffset}`, root, root, rootHash);
    assert.throws(() =>
      tool('veritysetup', 'verify', `--hash-offset=${hashOffset}`, root, root, '0'.repeat(64)),
    );
  });

  test('has a UKI with the sections of the specification', async () => {
    const uki = read('uki.efi');
    const names = [...tool('objdump', '-h', join(out, 'uki.efi')).matchAll(/^ +\d+ (\S+)/gm)].map(
      ([, name]) => name,
    );
    assert.deepEqual(names.slice(-5), ['.osrel', '.uname', '.cmdline', '.initrd', '.linux']);
    const { sections } = await readUki(memorySource(uki));
    function section(name: string): Buffer {
      const found = sections.find((candidate) => candidate.name === name);
      assert.ok(found, name);
      return uki.subarray(found.offset, found.offset + found.size);
    }
    assert.equal(section('.osrel').toString(), 'ID=sample\nNAME="Sample OS"\nVERSION_ID=7\n');
    assert.equal(section('.uname').toString(), VERSION);
    assert.equal(section('.cmdline').toString(), rendered.release.commandLine);
    assert.deepEqual(section('.linux').subarray(0, 16384), Buffer.from(fakeKernel()));
    assert.match(
      rendered.release.commandLine,
      new RegExp(
        `^roothash=${rendered.release.root.rootHash} .*hash-offset=${rendered.release.root.hashOffset} .* console=ttyS0$`,
      ),
    );
    checkInitrd(section('.initrd'), rendered.release.commandLine);
  });

  test('has a disk that sgdisk, fsck.fat and mtools take', (t) => {
    const disk = join(out, 'disk.raw');
    assert.match(tool('sgdisk', '-v', disk), /No problems found/);
    const table = tool('sgdisk', '-p', disk);
    assert.match(table, /^ +1 +2048 +2099199 .*EF00 +ESP$/m);
    assert.match(table, /^ +2 +2099200 +2230271 .*8304 +cairn-a$/m);

    const esp = join(scratchFolder(t), 'esp');
    // What is used of the ESP lies at its start; all that follows is a hole.
    tool('dd', `if=${disk}`, `of=${esp}`, 'bs=1M', 'skip=1', 'count=32', 'status=none');
    truncateSync(esp, 1024 * MIB);
    tool('fsck.fat', '-n', esp);
    const id = rendered.release.root.rootHash.slice(0, 32);
    const listed = tool('mdir', '-/', '-b', '-i', esp, '::').trim().split('\n');
    assert.deepEqual(listed.filter((path) => !path.endsWith('/')).sort(), [
      '::/EFI/BOOT/BOOTX64.EFI',
      `::/EFI/cairn/${id}.efi`,
      `::/EFI/cairn/${id}.json`,
      '::/EFI/systemd/systemd-bootx64.efi',
      '::/loader/entries/cairn-1.conf',
      '::/loader/loader.conf',
    ]);
    assert.equal(
      tool('mtype', '-i', esp, '::/loader/loader.conf'),
      'timeout 3\nconsole-mode keep\neditor no\n',
    );
    assert.equal(
      tool('mtype', '-i', esp, '::/loader/entries/cairn-1.conf'),
      `title Sample OS 7-dddddddd\nsort-key cairn\nversion 1\nefi /EFI/cairn/${id}.efi\n`,
    );
    tool('mcopy', '-i', esp, `::/EFI/cairn/${id}.efi`, `${esp}.uki`);
    assert.deepEqual(readFileSync(`${esp}.uki`), read('uki.efi'));
    tool('mcopy', '-i', esp, `::/EFI/cairn/${id}.json`, `${esp}.json`);
    assert.deepEqual(readFileSync(`${esp}.json`), read('release.json'));
  });

  test('has the root in the first slot, and at the start of nothing else', (t) => {
    const slot = join(scratchFolder(t), 'slot');
    tool('dd', `if=${out}/disk.raw`, `of=${slot}`, 'bs=1M', 'skip=1025', 'count=64', 'status=none');
    const root = read('root.erofs');
    const bytes = readFileSync(slot);
    assert.ok(bytes.subarray(0, root.length).equals(root));
    assert.ok(bytes.subarray(root.length).equals(Buffer.alloc(bytes.length - root.length)));
  });

  test('gives the same disk later, raw or qcow2', async (t) => {
    const later = scratchFolder(t);
    for (const format of ['raw', 'qcow2'] as const) {
      const path = join(later, format);
      await writeDisk(out, { files }, { out: path, format });
      tool('qemu-img', 'compare', '-f', 'raw', '-F', format, join(out, 'disk.raw'), path);
    }
    assert.match(tool('qemu-img', 'check', join(later, 'qcow2')), /No errors were found/);
    assert.deepEqual(readdirSync(later).sort(), ['qcow2', 'raw']);
  });

  test('told of its progress', () => {
    const phases = events.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]);
    assert.deepEqual(phases, ['inspect', 'root', 'uki', 'sbom', 'disk', 'finish']);
    const last = events.findLast(({ phase }) => phase === 'root');
    assert.equal(last?.done, rendered.release.root.dataSize);
    assert.equal(last?.total, last?.done);
  });
});

/** Base initrd, modules, texts: each an archive that cpio reads. */
function checkInitrd(initrd: Buffer, commandLine: string): void {
  const modulesAt = alignUp(BASE_INITRD.length, 4);
  assert.deepEqual(initrd.subarray(0, BASE_INITRD.length), BASE_INITRD);
  const textsAt = initrd.indexOf('070701', modulesAt);
  assert.equal(textsAt % 4, 0);
  const modules = execFileSync('zstd', ['-dc'], { input: trimZeros(initrd.subarray(modulesAt, textsAt)) });
  const cpio = (archive: Buffer, ...args: string[]) =>
    execFileSync('cpio', ['--quiet', ...args], { input: archive, encoding: 'utf8' });
  const listed = cpio(modules, '-t').trim().split('\n');
  const folder = `usr/lib/modules/${VERSION}`;
  assert.ok(listed.includes(`${folder}/modules.dep.bin`));
  assert.ok(listed.includes(`${folder}/kernel/fs/erofs/erofs.ko.xz`));
  assert.ok(!listed.some((path) => path.includes('cfg80211')));
  assert.equal(cpio(modules, '-i', '--to-stdout', `${folder}/modules.dep`), MODULE_TEXTS['modules.dep']);

  const texts = initrd.subarray(textsAt);
  assert.equal(cpio(texts, '-i', '--to-stdout', 'etc/cairn/cmdline'), commandLine);
  assert.match(
    cpio(texts, '-i', '--to-stdout', 'usr/lib/repart.d/20-cairn-a.conf'),
    /SizeMinBytes=67108864\n/,
  );
  assert.equal(cpio(texts, '-t', 'usr/lib/repart.d/*').trim().split('\n').length, 6);
}

/** Without the up to three zeros that the next archive is aligned by: a frame ends with its checksum. */
function trimZeros(bytes: Buffer): Buffer {
  const cut = [3, 2, 1, 0].find((count) => isFrame(bytes.subarray(0, bytes.length - count)));
  assert.ok(cut !== undefined, 'the modules are a zstd frame');
  return bytes.subarray(0, bytes.length - cut);
}

function isFrame(bytes: Buffer): boolean {
  try {
    return zstdDecompressSync(bytes).length > 0;
  } catch {
    return false;
  }
}
