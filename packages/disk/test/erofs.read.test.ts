import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ByteSource, crc32cRaw, memorySource, readAll, viewOf } from '@cairn/bytes';
import { makeFile, makeSymlink } from '@cairn/tree';
import { DiskError, type DiskErrorCode, type ErofsImage, openErofs } from '../src/index.ts';
import { bytes, directory, MTIME, sampleTree, sparseContent } from './erofs-sample.ts';
import { imageOf, seenInTree, UUID } from './erofs-support.ts';
import { scratchFolder } from './scratch.ts';

/** Answers late and never more than asked for a few bytes at once, as a source over a network may. */
function slowSource(content: Uint8Array): ByteSource {
  const source = memorySource(content);
  return {
    size: source.size,
    read: async (position, target, signal) => source.read(position, target.subarray(0, 70_000), signal),
  };
}

async function open(image: Uint8Array): Promise<ErofsImage> {
  return openErofs(memorySource(image));
}

async function nidOf(image: ErofsImage, ...names: readonly string[]): Promise<number> {
  let nid = image.root;
  for (const name of names) {
    const entry = (await image.readDirectory(nid)).find((entry) => entry.name === name);
    assert.ok(entry !== undefined, name);
    nid = entry.nid;
  }
  return nid;
}

test('what was written is read again', async () => {
  const root = sampleTree();
  const seen = await seenInTree(root);
  const image = await imageOf(root, { volumeLabel: 'label', buildTime: 1_600_000_000 });
  for (const source of [memorySource(image), slowSource(image)]) {
    const opened = await openErofs(source);
    assert.deepEqual(await seenInTree(await opened.loadTree()), seen);
    assert.equal(opened.size, image.length);
    assert.deepEqual(opened.superblock.uuid, UUID);
    assert.equal(Buffer.from(opened.superblock.volumeLabel).toString('latin1'), 'label'.padEnd(16, '\0'));
    assert.equal(opened.superblock.buildTime, 1_600_000_000);
  }
});

test('holes stay holes, and a tree that was read gives the same image again', async () => {
  const root = sampleTree();
  const options = { buildTime: 1_600_000_000 };
  const image = await imageOf(root, options);
  const loaded = await (await open(image)).loadTree();
  // The hole of a chunk is larger than that of a block where the chunk size was chosen so; the second time it is the same.
  const again = await imageOf(loaded, options);
  assert.ok(again.length <= image.length);
  assert.deepEqual(await imageOf(await (await open(again)).loadTree(), options), again);
});

test('compact inodes have the build time, extended ones their own', async (t) => {
  const folder = join(scratchFolder(t), 'files');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'content');
  const path = `${folder}.erofs`;
  execFileSync('mkfs.erofs', ['-T1234567890', path, folder], { stdio: 'pipe' });
  const theirs = await open(readFileSync(path));
  const stat = await theirs.stat(await nidOf(theirs, 'file'));
  assert.equal(stat.mtime.seconds, 1_234_567_890);
  assert.equal(stat.metadataSize, 32);

  const time = { seconds: 1_234_567_890, nanoseconds: 0 };
  const root = directory({ same: makeFile('a', { mtime: time }), other: makeFile('b') }, { mtime: time });
  const ours = await open(await imageOf(root));
  assert.equal((await ours.stat(await nidOf(ours, 'same'))).metadataSize, 32);
  assert.equal((await ours.stat(await nidOf(ours, 'other'))).metadataSize, 64);
});

test('extents say where each byte of a file is in the image', async () => {
  const data = [
    { start: 0, end: 4096 },
    { start: 1 << 20, end: (1 << 20) + 8000 },
  ];
  const files = {
    inline: makeFile(bytes(100, 1)),
    blocks: makeFile(bytes(8192, 2)),
    both: makeFile(bytes(10_000, 3)),
    sparse: makeFile(sparseContent(3_000_000, data)),
    empty: makeFile(''),
  };
  const written = await imageOf(directory(files));
  const image = await open(written);
  for (const [name, file] of Object.entries(files)) {
    const nid = await nidOf(image, name);
    const rebuilt = new Uint8Array(file.content.size);
    const extents = await image.extents(nid);
    for (const { fileOffset, imageOffset, length } of extents) {
      rebuilt.set(written.subarray(imageOffset, imageOffset + length), fileOffset);
    }
    assert.deepEqual(rebuilt, await readAll(file.content, 1 << 24), name);
    const content = await image.content(nid);
    assert.deepEqual(await readAll(content, 1 << 24), rebuilt, name);
    assert.deepEqual(content.data, name === 'sparse' ? data.map(roundUp) : undefined, name);
  }
});

function roundUp({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end: Math.ceil(end / 4096) * 4096 };
}

test('a hash tree or anything else behind the file system is no part of it', async () => {
  const image = await imageOf(directory({ file: makeFile('content') }));
  const longer = new Uint8Array(image.length + 12_345).fill(0xff);
  longer.set(image);
  assert.equal((await open(longer)).size, image.length);
});

/** An image with a few bytes changed, and its checksum made right again. */
function patched(image: Uint8Array, position: number, ...values: readonly number[]): Uint8Array {
  const copy = image.slice();
  copy.set(values, position);
  const covered = copy.slice(1024, 4096);
  covered.fill(0, 4, 8);
  viewOf(copy).setUint32(1028, crc32cRaw(covered), true);
  return copy;
}

let small: Uint8Array;
let at: { file: number; link: number; folder: number; sparse: number };

before(async () => {
  const root = directory({
    folder: directory({ inner: makeFile('inner') }),
    link: makeSymlink('target'),
    file: makeFile('content', { xattrs: new Map([['user.a', bytes(4, 1)]]) }),
    sparse: makeFile(sparseContent(100_000, [{ start: 0, end: 1 }])),
  });
  small = await imageOf(root);
  const image = await open(small);
  const position = async (name: string): Promise<number> => 32 * (await nidOf(image, name));
  at = {
    file: await position('file'),
    link: await position('link'),
    folder: await position('folder'),
    sparse: await position('sparse'),
  };
});

after(() => {
  small = new Uint8Array();
});

const broken: readonly (readonly [
  what: string,
  code: DiskErrorCode,
  said: RegExp,
  change: () => Uint8Array,
])[] = [
  ['an empty file', 'erofs-malformed', /0 bytes are too few/, () => new Uint8Array()],
  ['another magic', 'erofs-malformed', /not an EROFS/, () => patched(small, 1024, 0)],
  ['a checksum', 'erofs-malformed', /checksum/, () => small.with(1100, 1)],
  ['a cut image', 'erofs-malformed', /cut off/, () => small.subarray(0, -1)],
  ['a cut first block', 'erofs-malformed', /first block/, () => small.subarray(0, 2000)],
  ['a block size', 'erofs-malformed', /2\^40/, () => patched(small, 1036, 40)],
  ['compression', 'erofs-unsupported', /compression/, () => patched(small, 1104, 3)],
  ['long prefixes', 'erofs-unsupported', /long prefixes/, () => patched(small, 1104, 0x44)],
  ['unknown features', 'erofs-unsupported', /0x80000000/, () => patched(small, 1107, 0x80)],
  ['a root outside', 'erofs-malformed', /inode 65535 should be/, () => patched(small, 1038, 0xff, 0xff)],
  [
    'a root that is no directory',
    'erofs-malformed',
    /the root is a file/,
    () => patched(small, 1038, at.file / 32),
  ],
  ['a compressed inode', 'erofs-unsupported', /compressed/, () => patched(small, at.file, 3)],
  ['an unknown layout', 'erofs-malformed', /layout 5/, () => patched(small, at.file, 11)],
  ['an unknown format', 'erofs-unsupported', /format/, () => patched(small, at.file, 0x15)],
  ['an unknown kind', 'erofs-malformed', /mode/, () => patched(small, at.file + 5, 0x30)],
  [
    'another kind than in the directory',
    'erofs-malformed',
    /by its inode/,
    () => patched(small, at.file + 5, 0x11),
  ],
  ['nanoseconds', 'erofs-malformed', /time/, () => patched(small, at.file + 43, 0xff)],
  ['a huge file', 'erofs-malformed', /size or time/, () => patched(small, at.file + 15, 0x7f)],
  [
    'a file outside',
    'erofs-malformed',
    /should be at/,
    () => patched(patched(small, at.file, 1), at.file + 16, 9),
  ],
  ['inline data over a block', 'erofs-malformed', /crosses/, () => patched(small, at.file + 8, 0xf0, 0x0f)],
  [
    'an unknown xattr prefix',
    'erofs-unsupported',
    /prefix number 9/,
    () => patched(small, at.file + 64 + 13, 9),
  ],
  ['a long xattr prefix', 'erofs-unsupported', /long prefix/, () => patched(small, at.file + 64 + 13, 0x81)],
  ['a long xattr', 'erofs-malformed', /beyond its end/, () => patched(small, at.file + 64 + 15, 1)],
  ['shared xattrs without room', 'erofs-malformed', /no room/, () => patched(small, at.file + 64 + 4, 200)],
  ['a link without a target', 'erofs-malformed', /target of 0/, () => patched(small, at.link + 8, 0)],
  [
    'a zero byte in a link',
    'erofs-malformed',
    /zero byte in its target/,
    () => patched(small, at.link + 64, 0),
  ],
  [
    'a directory without entries',
    'erofs-malformed',
    /first name/,
    () => patched(small, at.folder + 32 + 8, 0),
  ],
  ['a name outside', 'erofs-malformed', /a name from/, () => patched(small, at.folder + 32 + 20, 0xff)],
  [
    'a slash in a name',
    'erofs-malformed',
    /impossible name/,
    () => patched(small, at.folder + 32 + 40, 0x2f),
  ],
  ['names out of order', 'erofs-malformed', /not in order/, () => patched(small, at.folder + 32 + 36, 0x7f)],
  ['a loop', 'erofs-malformed', /another name already/, () => patched(small, at.folder + 32 + 24, 0x80)],
  [
    'an impossible inode',
    'erofs-malformed',
    /impossible inode/,
    () => patched(small, at.folder + 32 + 31, 0x80),
  ],
  ['a chunk format', 'erofs-unsupported', /chunk format/, () => patched(small, at.sparse + 16, 0x40)],
  ['a chunk outside', 'erofs-malformed', /a chunk of/, () => patched(small, at.sparse + 66, 1)],
];

for (const [what, code, said, change] of broken) {
  test(`${what} is found out`, async () => {
    await assert.rejects(
      async () => seenInTree(await (await open(change())).loadTree()),
      (error) => {
        assert.ok(error instanceof DiskError, String(error));
        assert.match(error.message, said);
        assert.equal(error.code, code);
        return true;
      },
    );
  });
}

test('inodes that all claim the same blocks cannot fill the memory', async () => {
  const links = Array.from(
    { length: 100 },
    (_, i) => [`link-${i}`, makeSymlink('x', { mtime: MTIME })] as const,
  );
  const image = await imageOf(
    directory({ file: makeFile(bytes(4096, 1).fill(0x41)), ...Object.fromEntries(links) }),
  );
  const opened = await open(image);
  const [extent] = await opened.extents(await nidOf(opened, 'file'));
  const view = viewOf(image);
  for (const [name] of links) {
    const position = 32 * (await nidOf(opened, name));
    view.setUint16(position, 0, true);
    view.setUint32(position + 8, 4000, true);
    view.setUint32(position + 16, (extent?.imageOffset ?? 0) / 4096, true);
  }
  const hostile = await open(image);
  assert.equal((await hostile.readLink(await nidOf(hostile, 'link-7'))).length, 4000);
  await assert.rejects(hostile.loadTree(), { code: 'erofs-malformed', message: /lie over each other/ });
});

test('limits on inodes and depth are kept', async () => {
  const image = await open(await imageOf(sampleTree()));
  await assert.rejects(image.loadTree({ maxInodes: 100 }), {
    code: 'erofs-too-large',
    message: /100 inodes/,
  });
  await assert.rejects(image.loadTree({ maxDepth: 50 }), {
    code: 'erofs-too-large',
    message: /50 directories/,
  });
  await assert.rejects(image.loadTree({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
});

test('what is asked of the wrong kind of inode is refused', async () => {
  const image = await open(small);
  const file = at.file / 32;
  await assert.rejects(image.readDirectory(file), /inode \d+ is a file, not a directory/);
  await assert.rejects(image.readLink(file), /not a symlink/);
  await assert.rejects(image.content(image.root), /not a file/);
  await assert.rejects(image.stat(2 ** 52), { code: 'erofs-malformed' });
  await assert.rejects(image.stat(-1), { code: 'erofs-malformed' });
  await assert.rejects(image.stat(0.5), { code: 'erofs-malformed' });
});

test('compressed images are refused by name', async (t) => {
  const folder = join(scratchFolder(t), 'files');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'same '.repeat(10_000));
  execFileSync('mkfs.erofs', ['-zlz4', `${folder}.erofs`, folder], { stdio: 'pipe' });
  await assert.rejects(open(readFileSync(`${folder}.erofs`)), {
    code: 'erofs-unsupported',
    message: /compression/,
  });
});
