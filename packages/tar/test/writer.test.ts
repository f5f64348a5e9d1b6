import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type ByteSource,
  type ByteTarget,
  bytesOf,
  type Content,
  memorySource,
  memoryTarget,
  type Range,
} from '@cairn/bytes';
import { type NewTarEntry, readTar, TarWriter } from '../src/index.ts';
import { FINE, LARGE, OWNER, PLAIN, SPECIAL, text } from './fixtures.ts';
import { gnuTar, readBack, temporaryFolder } from './machine.ts';
import { archiveOf, describe, entriesOf } from './support.ts';

/** What GNU tar extracts from our archives is compared with what was written. */

function holed(size: number, ...data: readonly Range[]): Content {
  const bytes = new Uint8Array(size);
  for (const { start, end } of data) bytes.fill(7, start, end);
  return { ...memorySource(bytes), data };
}

const SPARSE: readonly NewTarEntry[] = [
  {
    ...OWNER,
    path: 'holes',
    kind: 'file',
    mode: 0o644,
    content: holed(
      1_000_001,
      { start: 0, end: 4096 },
      { start: 8192, end: 8704 },
      { start: 600_064, end: 1_000_001 },
    ),
  },
  { ...OWNER, path: 'all a hole', kind: 'file', mode: 0o644, content: holed(1_000_001) },
  {
    ...OWNER,
    path: `${'s'.repeat(200)}\xff`,
    kind: 'file',
    mode: 0o644,
    content: holed(1_000_000, { start: 4096, end: 8192 }),
  },
];

const SETS: readonly (readonly [what: string, entries: readonly NewTarEntry[]])[] = [
  ['plain entries', PLAIN],
  ['special files', SPECIAL],
  ['large numbers and names', LARGE],
  ['xattrs and fine times', FINE],
  ['sparse files', SPARSE],
];

for (const [what, entries] of SETS) {
  test(`GNU tar extracts: ${what}`, async () => {
    using folder = temporaryFolder();
    const archive = join(folder.path, 'archive.tar');
    writeFileSync(archive, await archiveOf(...entries));
    gnuTar(folder.path, ['--xattrs', '--xattrs-include=*', '-xpf', archive]);
    assert.deepEqual(
      await Promise.all(entries.map((entry) => describe(readBack(folder.path, entry)))),
      await Promise.all(entries.map(describe)),
    );
  });

  test(`read back as written: ${what}`, async () => {
    const found = await entriesOf(await archiveOf(...entries));
    assert.deepEqual(await Promise.all(found.map(describe)), await Promise.all(entries.map(describe)));
    assert.deepEqual(
      found.map((entry) => entry.content.data),
      entries.map((entry) => entry.content?.data),
    );
  });
}

test('data that is not aligned is widened to blocks: GNU tar pads each range to one', async () => {
  using folder = temporaryFolder();
  const data = [
    { start: 5, end: 6 },
    { start: 1000, end: 1001 },
    { start: 1030, end: 1031 },
    { start: 9000, end: 9001 },
  ];
  const entry: NewTarEntry = {
    ...OWNER,
    path: 'f',
    kind: 'file',
    mode: 0o644,
    content: holed(9001, ...data),
  };
  const bytes = await archiveOf(entry);
  const [found] = await entriesOf(bytes);
  assert.deepEqual(found?.content.data, [
    { start: 0, end: 1536 },
    { start: 8704, end: 9001 },
  ]);
  const archive = join(folder.path, 'archive.tar');
  writeFileSync(archive, bytes);
  gnuTar(folder.path, ['-xpf', archive]);
  const wanted = await describe(entry);
  assert.deepEqual(await describe(readBack(folder.path, entry)), wanted);
  assert.deepEqual(await describe(found), wanted);
});

test('the same bytes each time, whatever the order of xattrs', async () => {
  const reversed = FINE.map((entry) => ({
    ...entry,
    xattrs: new Map([...(entry.xattrs ?? [])].toReversed()),
  }));
  assert.deepEqual(await archiveOf(...reversed), await archiveOf(...FINE));
});

test('no pax header where ustar will do', async () => {
  const archive = await archiveOf(...PLAIN, ...SPECIAL);
  const content = PLAIN.reduce((sum, { content }) => sum + Math.ceil((content?.size ?? 0) / 512), 0);
  const more = SPECIAL.reduce((sum, { content }) => sum + Math.ceil((content?.size ?? 0) / 512), 0);
  assert.equal(archive.length, (PLAIN.length + SPECIAL.length + content + more + 2) * 512);
});

test('what is left out', async () => {
  const entries = await entriesOf(
    await archiveOf(
      { path: 'f', kind: 'file' },
      { path: 'd', kind: 'directory' },
      { path: 's', kind: 'symlink', linkTarget: 'f' },
    ),
  );
  assert.deepEqual(
    entries.map(({ mode, uid, gid, mtime }) => [mode, uid, gid, mtime.seconds]),
    [
      [0o644, 0, 0, 0],
      [0o755, 0, 0, 0],
      [0o777, 0, 0, 0],
    ],
  );
});

test('an archive may start anywhere in its target', async () => {
  const target = memoryTarget();
  const writer = new TarWriter(target, { start: 100 });
  assert.equal(writer.position, 100);
  await writer.add({ path: 'f', kind: 'file', content: text('hello') });
  assert.equal(writer.position, 100 + 1024);
  await writer.finish();
  assert.equal(writer.position, 100 + 2048);
  assert.deepEqual(
    target.bytes().subarray(100),
    await archiveOf({ path: 'f', kind: 'file', content: text('hello') }),
  );
});

test('a file beyond 8 GiB has its size in a pax record', async () => {
  const size = 2 ** 33 + 1;
  const kept = new Uint8Array(4096);
  const target: ByteTarget = {
    write(position, chunk) {
      if (position < kept.length) kept.set(chunk.subarray(0, kept.length), position);
    },
  };
  const writer = new TarWriter(target);
  await writer.add({ path: 'large', kind: 'file', content: { size, read: (_, room) => room.length } });
  await writer.add({ path: 'next', kind: 'fifo' });
  await writer.finish();
  const archive: ByteSource = {
    size: writer.position - 1536,
    read(position, bytes) {
      bytes.fill(0);
      bytes.set(kept.subarray(position, position + bytes.length));
      return bytes.length;
    },
  };
  const entry = (await readTar(archive).next()).value;
  assert.equal(entry?.content.size, size);
  assert.equal(writer.position, 3 * 512 + 2 ** 33 + 512 + 3 * 512);
});

const NOTHING = memorySource(new Uint8Array(0));

const REFUSED: readonly (readonly [what: string, entry: NewTarEntry, message: RegExp])[] = [
  ['no path', { path: '', kind: 'file' }, /needs a path/],
  ['a NUL in the path', { path: 'a\0b', kind: 'file' }, /has a NUL/],
  ['text that is no bytes', { path: 'a\u{1f600}', kind: 'file' }, /characters that are not bytes/],
  ['a file by the name of a directory', { path: 'a/', kind: 'file' }, /ends in a slash/],
  ['a link without target', { path: 'a', kind: 'symlink' }, /have a target/],
  ['a target without link', { path: 'a', kind: 'fifo', linkTarget: 'b' }, /have a target/],
  [
    'a directory with content',
    { path: 'a', kind: 'directory', content: text('b') },
    /only files have content/,
  ],
  ['a file with device numbers', { path: 'a', kind: 'file', minor: 1 }, /only devices have numbers/],
  ['the type in the mode', { path: 'a', kind: 'file', mode: 0o100644 }, /mode 33188/],
  ['half an owner', { path: 'a', kind: 'file', uid: 0.5 }, /an owner or device number/],
  ['a negative owner', { path: 'a', kind: 'file', gid: -1 }, /an owner or device number/],
  [
    'a time with too many nanoseconds',
    { path: 'a', kind: 'file', mtime: { seconds: 0, nanoseconds: 1e9 } },
    /not a time/,
  ],
  [
    'a time of no number',
    { path: 'a', kind: 'file', mtime: { seconds: Number.NaN, nanoseconds: 0 } },
    /not a time/,
  ],
  [
    'a size of no number',
    { path: 'a', kind: 'file', content: { ...NOTHING, size: Number.NaN } },
    /not a size/,
  ],
  ['an xattr of no name', { path: 'a', kind: 'file', xattrs: new Map([['', bytesOf('a')]]) }, /no name/],
  [
    'data beyond the end',
    { path: 'a', kind: 'file', content: { ...text('a'), data: [{ start: 0, end: 2 }] } },
    /data ranges/,
  ],
  [
    'data out of order',
    {
      path: 'a',
      kind: 'file',
      content: {
        ...text('abc'),
        data: [
          { start: 1, end: 3 },
          { start: 0, end: 1 },
        ],
      },
    },
    /data ranges/,
  ],
];

for (const [what, entry, message] of REFUSED) {
  test(`refused: ${what}`, async () => {
    const writer = new TarWriter(memoryTarget());
    await assert.rejects(writer.add(entry), { name: 'TarError', code: 'bad-entry', message });
    assert.equal(writer.position, 0);
    await writer.add({ path: 'good', kind: 'file' });
  });
}

test('xattrs that no reader would take are refused', async () => {
  const xattrs = new Map([['user.large', new Uint8Array(1 << 20)]]);
  await assert.rejects(archiveOf({ path: 'a', kind: 'file', xattrs }), { code: 'limit', message: /1048/ });
});

test('a content that ends early spoils the archive', async () => {
  const writer = new TarWriter(memoryTarget());
  const content = { ...text('hello'), size: 6 };
  await assert.rejects(writer.add({ path: 'a', kind: 'file', content }), {
    code: 'truncated',
    message: '"a": its content ends at byte 5 of 6',
  });
  await assert.rejects(writer.add({ path: 'b', kind: 'file' }), { code: 'finished' });
  await assert.rejects(writer.finish(), { code: 'finished' });
});

test('nothing can be added to a finished archive', async () => {
  const writer = new TarWriter(memoryTarget());
  await writer.finish();
  await assert.rejects(writer.add({ path: 'b', kind: 'file' }), { code: 'finished' });
});

test('an abort is heeded', async () => {
  const writer = new TarWriter(memoryTarget(), { signal: AbortSignal.abort(new Error('enough')) });
  await assert.rejects(writer.add({ path: 'b', kind: 'file' }), /enough/);
});
