import assert from 'node:assert/strict';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chunksOf, concatSource, copy, fromText, memorySource, readAll, sha256OfStream } from '@cairn/bytes';
import {
  type Directory,
  type Inode,
  makeDirectory,
  makeFile,
  makeSymlink,
  NO_XATTRS,
  place,
  walk,
} from '@cairn/tree';
import fc from 'fast-check';
import { type CpioEntry, cpioArchive, readCpio } from '../src/index.ts';
import { patternSource, scratchFolder, tool, writeImage } from './scratch.ts';

const MTIME = { seconds: 1_600_000_000, nanoseconds: 5 };
const OWN = { uid: 1000, gid: 2000, mtime: MTIME, xattrs: NO_XATTRS };

/** One of each kind, hard links, an empty file, a name that is not ASCII, one that needs each of the four paddings. */
function sampleTree(): Directory {
  const root = makeDirectory({ mtime: MTIME });
  const shared = makeFile('shared\n', { mode: 0o4755, mtime: MTIME });
  place(root, '/usr/bin/one', shared);
  place(root, '/usr/bin/two', shared);
  place(root, '/three', shared);
  place(root, '/bin', makeSymlink('usr/bin', { mtime: MTIME }));
  place(root, '/empty', makeFile('', { mtime: MTIME }));
  place(root, '/big', makeFile(patternSource(3_000_001), { mode: 0o600, ...OWN }));
  place(root, fromText('/näme'), makeFile('x', { mtime: MTIME }));
  for (const [index, name] of ['a', 'ab', 'abc', 'abcd'].entries()) {
    place(root, `/pad/${name}`, makeFile('x'.repeat(index + 1), { mtime: MTIME }));
  }
  place(root, '/dev/null', { kind: 'character-device', mode: 0o666, ...OWN, major: 1, minor: 3 });
  place(root, '/dev/sda', { kind: 'block-device', mode: 0o660, ...OWN, major: 259, minor: 300 });
  place(root, '/run/fifo', { kind: 'fifo', mode: 0o600, ...OWN });
  place(root, '/run/socket', { kind: 'socket', mode: 0o700, ...OWN });
  return root;
}

async function entriesOf(source: Parameters<typeof readCpio>[0]): Promise<CpioEntry[]> {
  return Array.fromAsync(readCpio(source));
}

test('GNU cpio lists and unpacks every entry as it was', async (context) => {
  const folder = scratchFolder(context);
  const path = join(folder, 'initrd');
  const archive = cpioArchive(walk(sampleTree()));
  assert.equal(archive.size % 512, 0);
  await writeImage(path, 0, (target) => copy(archive, target));

  const bytes = readFileSync(path);
  const out = join(folder, 'out');
  mkdirSync(out);
  tool('sh', ['-c', 'cpio --extract --preserve-modification-time --quiet < "$1"', 'sh', path], { cwd: out });
  for (const { path: name, inode } of walk(sampleTree()))
    compareWithDisk(join(out, Buffer.from(name, 'latin1').toString()), inode);
  const inodes = ['usr/bin/one', 'usr/bin/two', 'three'].map((name) => lstatSync(join(out, name)));
  assert.equal(new Set(inodes.map((stat) => stat.ino)).size, 1);
  assert.equal(inodes[0]?.nlink, 3);
  assert.equal(
    await sha256OfStream(chunksOf(memorySource(readFileSync(join(out, 'big'))))),
    await sha256OfStream(chunksOf(patternSource(3_000_001))),
  );
  const listing = tool('sh', ['-c', 'cpio --list --verbose --numeric-uid-gid < "$1"', 'sh', path]);
  assert.match(listing, /brw-rw---- +1 1000 +2000 +259, 300 .* dev\/sda\n/);
  assert.match(listing, /drwxr-xr-x +2 0 +0 +0 Sep 13 +2020 dev\n/);

  // The bytes of a hard link are stored once, after its last name in the order of the archive.
  assert.equal(bytes.toString('latin1').split('shared\n').length, 2);
  assert.deepEqual(await collect(archive), bytes);
  assert.deepEqual(await collect(cpioArchive(walk(sampleTree()))), bytes);
});

function compareWithDisk(path: string, inode: Inode): void {
  const stat = lstatSync(path);
  assert.equal(stat.uid, inode.uid, path);
  assert.equal(stat.gid, inode.gid, path);
  assert.equal(stat.isSymbolicLink(), inode.kind === 'symlink', path);
  if (inode.kind === 'symlink') {
    assert.equal(readlinkSync(path, 'latin1'), inode.target);
    return;
  }
  assert.equal(stat.mode & 0o7777, inode.mode, path);
  // cpio sets the time of a folder before it fills it; the listing shows what the archive says.
  if (inode.kind !== 'directory') assert.equal(stat.mtimeMs / 1000, inode.mtime.seconds, path);
  if (inode.kind === 'file') assert.equal(stat.size, inode.content.size, path);
  const isDevice = inode.kind === 'character-device' || inode.kind === 'block-device';
  if (isDevice)
    assert.equal(
      stat.rdev,
      ((inode.major & 0xfff) << 8) | (inode.minor & 0xff) | ((inode.minor & ~0xff) << 12),
    );
}

async function collect(source: ReturnType<typeof cpioArchive>): Promise<Buffer> {
  return Buffer.from(await readAll(source, 16 << 20));
}

test('the reader gives back what the writer took, and archives may follow one another', async () => {
  const archive = cpioArchive(walk(sampleTree()));
  const second = makeDirectory();
  place(second, '/late', makeFile('late'));
  const joined = concatSource([
    memorySource(new Uint8Array(8)),
    archive,
    memorySource(new Uint8Array(4)),
    cpioArchive(walk(second)),
  ]);
  const entries = await entriesOf(joined);
  const expected = [...walk(sampleTree()), ...walk(second)].map(({ path, inode }) => [
    path.slice(1) || '.',
    inode.kind,
  ]);
  assert.deepEqual(
    entries.map((entry) => [entry.name, entry.inode.kind]),
    expected,
  );
  const shared = entries.filter((entry) => entry.links === 3);
  assert.deepEqual(
    shared.map((entry) => [entry.name, entry.inode.kind === 'file' ? entry.inode.content.size : -1]),
    [
      ['three', 0],
      ['usr/bin/one', 0],
      ['usr/bin/two', 7],
    ],
  );
  assert.equal(new Set(shared.map((entry) => entry.ino)).size, 1);
  const disk = entries.find((entry) => entry.name === 'dev/sda')?.inode;
  assert.deepEqual(disk, {
    kind: 'block-device',
    mode: 0o660,
    ...OWN,
    mtime: { seconds: MTIME.seconds, nanoseconds: 0 },
    major: 259,
    minor: 300,
  });
});

test('the reader takes what GNU cpio wrote', async (context) => {
  const folder = scratchFolder(context);
  mkdirSync(join(folder, 'tree'));
  writeFileSync(join(folder, 'tree/file'), 'content');
  linkSync(join(folder, 'tree/file'), join(folder, 'tree/hard'));
  symlinkSync('file', join(folder, 'tree/link'));
  tool('sh', ['-c', 'find . | LC_ALL=C sort | cpio --create --format=newc --quiet > ../archive'], {
    cwd: join(folder, 'tree'),
  });
  const entries = await entriesOf(memorySource(readFileSync(join(folder, 'archive'))));
  assert.deepEqual(
    entries.map(({ name, links, inode }) => [
      name,
      links,
      inode.kind === 'symlink' ? inode.target : inode.kind,
    ]),
    [
      ['.', 2, 'directory'],
      ['file', 2, 'file'],
      ['hard', 2, 'file'],
      ['link', 1, 'file'],
    ],
  );
});

test('times: later ones are clamped where asked, earlier ones than 1970 become 1970', async () => {
  const root = makeDirectory({ mtime: { seconds: -5, nanoseconds: 0 } });
  place(root, '/new', makeFile('', { mtime: { seconds: 2_000_000_000, nanoseconds: 0 } }));
  place(root, '/old', makeFile('', { mtime: { seconds: 1_000_000_000, nanoseconds: 0 } }));
  const entries = await entriesOf(cpioArchive(walk(root), { clampTime: 1_500_000_000 }));
  assert.deepEqual(
    entries.map((entry) => entry.inode.mtime.seconds),
    [0, 1_500_000_000, 1_000_000_000],
  );
});

const unsupported: readonly { readonly name: string; readonly path: string; readonly inode: Inode }[] = [
  { name: 'a file of 4 GiB', path: '/x', inode: makeFile(patternSource(2 ** 32)) },
  { name: 'the trailer as a name', path: '/TRAILER!!!', inode: makeFile('') },
  { name: 'a path of 4096 bytes', path: `/${'x'.repeat(4096)}`, inode: makeFile('') },
  { name: 'a name with a NUL', path: '/a\0b', inode: makeFile('') },
  { name: 'a link to a path of 4096 bytes', path: '/x', inode: makeSymlink('x'.repeat(4096)) },
];

for (const { name, path, inode } of unsupported) {
  test(`refused: ${name}`, () => {
    assert.throws(() => cpioArchive([{ path, inode }]), { name: 'DiskError', code: 'cpio-unsupported' });
  });
}

test('a file of almost 4 GiB has its place, and only headers are held', () => {
  const archive = cpioArchive([{ path: '/x', inode: makeFile(patternSource(2 ** 32 - 1)) }]);
  assert.equal(archive.size, Math.ceil((112 + 2 ** 32 + 124) / 512) * 512);
});

test('any tree comes back: names, modes, contents', async () => {
  const name = fc.stringMatching(/^[!-.0-~\x80-\xff]{1,20}$/).filter((text) => text !== '.' && text !== '..');
  const file = fc.record({
    name,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    content: fc.uint8Array({ maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(file, { maxLength: 10, selector: (row) => row.name }), async (rows) => {
      const root = makeDirectory();
      for (const row of rows) place(root, `/d/${row.name}`, makeFile(row.content, { mode: row.mode }));
      const entries = await entriesOf(cpioArchive(walk(root)));
      const found = new Map(entries.map((entry) => [entry.name, entry.inode]));
      for (const row of rows) {
        const inode = found.get(`d/${row.name}`);
        assert.ok(inode?.kind === 'file');
        assert.equal(inode.mode, row.mode);
        assert.deepEqual(await readAll(inode.content, 100), row.content);
      }
    }),
    { numRuns: 200 },
  );
});

/** Changes to an archive with the one file `f` of two bytes, header at 0, name at 110, content at 112. */
const damages: readonly {
  readonly name: string;
  readonly change: (text: string) => string;
  readonly message: RegExp;
}[] = [
  {
    name: 'another format',
    change: (text) => text.replace('070701', '070707'),
    message: /byte 0: there is no header/,
  },
  { name: 'compressed', change: (text) => `\x28\xb5\x2f\xfd${text}`, message: /no header/ },
  { name: 'not a digit', change: (text) => `${text.slice(0, 20)}x${text.slice(21)}`, message: /hexadecimal/ },
  {
    name: 'no trailer',
    change: (text) => text.slice(0, 116),
    message: /byte 116: .* cut off, there is no trailer/,
  },
  {
    name: 'cut off in the content',
    change: (text) => text.slice(0, 113),
    message: /content of "f" is cut off/,
  },
  { name: 'cut off in the name', change: (text) => text.slice(0, 111), message: /name is cut off/ },
  {
    name: 'a name of no bytes',
    change: (text) => setField(text, 11, '00000000'),
    message: /cannot have 0 bytes/,
  },
  {
    name: 'a long name',
    change: (text) => setField(text, 11, 'ffffffff'),
    message: /cannot have 4294967295 bytes/,
  },
  {
    name: 'a name that ends too early',
    change: (text) => setField(text, 11, '00000006'),
    message: /name does not end/,
  },
  {
    name: 'a large content',
    change: (text) => setField(text, 6, 'ffffffff'),
    message: /content of "f" is cut off/,
  },
  { name: 'no kind of file', change: (text) => setField(text, 1, '000001a4'), message: /no kind of file/ },
  {
    name: 'a folder with content',
    change: (text) => setField(text, 1, '000041ed'),
    message: /directory has content/,
  },
  { name: 'an archive at an odd place', change: (text) => `\0${text}`, message: /multiple of four/ },
];

function setField(text: string, index: number, digits: string): string {
  const start = 6 + index * 8;
  return text.slice(0, start) + digits + text.slice(start + 8);
}

for (const { name, change, message } of damages) {
  test(`the reader finds damage: ${name}`, async () => {
    const archive = await collect(cpioArchive([{ path: '/f', inode: makeFile('ab') }]));
    const damaged = Buffer.from(change(archive.toString('latin1')), 'latin1');
    await assert.rejects(entriesOf(memorySource(damaged)), {
      name: 'DiskError',
      code: 'cpio-malformed',
      message,
    });
  });
}
