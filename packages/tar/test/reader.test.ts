import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteSource, bytesOf, concatBytes, memorySource, readAll } from '@cairn/bytes';
import { readTar, type TarLimits } from '../src/index.ts';
import { archiveOf, END, entriesOf, gnuHeader, header, padded, paxHeader, record } from './support.ts';

const FILE = concatBytes([header({ name: 'file', size: 5 }), padded('hello')]);
const ZERO_BLOCK = new Uint8Array(512);

/** A sparse map slot of old GNU: offset and length. */
function slot(offset: number, length: number): string {
  return `${offset.toString(8).padStart(11, '0')}\0${length.toString(8).padStart(11, '0')}\0`;
}

function sparseHeader(size: number, realSize: number, map: string, extended = ''): Uint8Array {
  return gnuHeader(
    { type: 'S', name: 'sparse', size },
    { 386: map, 482: extended, 483: `${realSize.toString(8).padStart(11, '0')}\0` },
  );
}

const COMPLETE: readonly (readonly [what: string, archive: readonly Uint8Array[], paths: string[]])[] = [
  ['nothing at all', [], []],
  ['two blocks of zeros', [END], []],
  ['one block of zeros', [ZERO_BLOCK], []],
  ['a file and two blocks of zeros', [FILE, END], ['file']],
  ['a file and one block of zeros', [FILE, ZERO_BLOCK], ['file']],
  ['a file and nothing more', [FILE], ['file']],
  ['anything after the end', [FILE, END, bytesOf('anything')], ['file']],
  ['a volume label', [gnuHeader({ type: 'V', name: 'label' }), FILE, END], ['file']],
  ['a Solaris extended header', [paxHeader(record('path', 'sun'), 'X'), FILE, END], ['sun']],
];

for (const [what, archive, paths] of COMPLETE) {
  test(`complete: ${what}`, async () => {
    const entries = await entriesOf(concatBytes(archive));
    assert.deepEqual(
      entries.map((entry) => entry.path),
      paths,
    );
  });
}

test('kinds that have no content have none whatever size they tell', async () => {
  const kinds = ['hardlink', 'symlink', 'character-device', 'block-device', 'directory', 'fifo'];
  const headers = ['1', '2', '3', '4', '5', '6'].map((type) => header({ type, linkName: 'to', size: 99 }));
  const entries = await entriesOf(concatBytes([...headers, END]));
  assert.deepEqual(
    entries.map((entry) => [entry.kind, entry.content.size, entry.linkTarget]),
    kinds.map((kind) => [kind, 0, kind.endsWith('link') ? 'to' : '']),
  );
});

test('the padding after the very last content may be missing', async () => {
  for (const kept of [517, 518, 1023, 1024]) {
    const [entry] = await Array.fromAsync(readTar(memorySource(FILE.subarray(0, kept))));
    assert.equal(entry?.content.size, 5);
  }
});

test('a directory of an incremental dump, with its list of names', async () => {
  const archive = [gnuHeader({ type: 'D', name: 'a/', size: 7 }), padded('Yfile\0\0'), FILE];
  const entries = await entriesOf(concatBytes(archive));
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.kind, entry.content.size]),
    [
      ['a/', 'directory', 0],
      ['file', 'file', 5],
    ],
  );
});

test('files by type 0, NUL and 7; those with a slash at the end are directories', async () => {
  const entries = await entriesOf(
    concatBytes(
      ['0', '\0', '7'].flatMap((type) => [
        header({ type, name: 'file', size: 5 }),
        padded('hello'),
        header({ type, name: 'folder/' }),
      ]),
    ),
  );
  const expected = ['file', 'directory'];
  assert.deepEqual(
    entries.map((entry) => entry.kind),
    [...expected, ...expected, ...expected],
  );
});

test('global records hold for all that follow, until taken back; own records go first', async () => {
  const entries = await entriesOf(
    concatBytes([
      FILE,
      paxHeader(record('uid', '7') + record('mtime', '1.5') + record('SCHILY.xattr.user.g', 'global'), 'g'),
      FILE,
      paxHeader(record('uid', '8') + record('mtime', '') + record('SCHILY.xattr.user.o', 'own')),
      FILE,
      paxHeader(record('uid', ''), 'g'),
      FILE,
    ]),
  );
  assert.deepEqual(
    entries.map((entry) => [entry.uid, entry.mtime.nanoseconds, [...entry.xattrs.keys()]]),
    [
      [0, 0, []],
      [7, 500000000, ['user.g']],
      [8, 0, ['user.g', 'user.o']],
      [0, 500000000, ['user.g']],
    ],
  );
});

test('the size of a pax record decides where the next header is', async () => {
  const archive = [paxHeader(record('size', '5')), header({ size: 0 }), padded('hello'), FILE, END];
  const [first, second] = await entriesOf(concatBytes(archive));
  assert.equal(Buffer.from(await readAll(first?.content ?? memorySource(END), 5)).toString(), 'hello');
  assert.equal(second?.path, 'file');
});

test('an offset is that of the first header of an entry', async () => {
  const long = (type: string): Uint8Array[] => [gnuHeader({ type, size: 5 }), padded('long\0')];
  const archive = [FILE, ...long('K'), ...long('L'), gnuHeader({ type: '2', linkName: 'x' }), FILE];
  const entries = await entriesOf(concatBytes(archive));
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.linkTarget, entry.offset]),
    [
      ['file', '', 0],
      ['long', 'long', 1024],
      ['file', '', 1024 + 2560],
    ],
  );
});

test('sparse files: old GNU, its extension blocks, and reads across holes', async () => {
  const data = 'abcdef';
  const extension = new Uint8Array(512);
  extension.set(bytesOf(slot(700, 1) + slot(800, 0)));
  const archive = [
    sparseHeader(6, 800, slot(0, 1) + slot(10, 2) + slot(12, 1) + slot(500, 1), '\x01'),
    extension,
    padded(data),
    FILE,
  ];
  const [sparse, next] = await entriesOf(concatBytes(archive));
  assert.ok(sparse !== undefined && next?.path === 'file');
  const expected = new Uint8Array(800);
  for (const [offset, text] of [
    [0, 'a'],
    [10, 'bcd'],
    [500, 'e'],
    [700, 'f'],
  ] as const) {
    expected.set(bytesOf(text), offset);
  }
  assert.deepEqual(sparse.content.data, [
    { start: 0, end: 1 },
    { start: 10, end: 13 },
    { start: 500, end: 501 },
    { start: 700, end: 701 },
  ]);
  for (const [position, length] of [
    [0, 800],
    [0, 5],
    [11, 1],
    [11, 600],
    [13, 300],
    [699, 2],
    [701, 99],
    [790, 100],
    [800, 10],
    [900, 10],
  ] as const) {
    const target = new Uint8Array(length).fill(0xee);
    const wanted = expected.subarray(position, position + length);
    assert.equal(await sparse.content.read(position, target), wanted.length);
    assert.deepEqual(target.subarray(0, wanted.length), wanted);
  }
});

test('a sparse file without a hole is a plain file', async () => {
  const [entry] = await entriesOf(
    concatBytes([sparseHeader(5, 5, slot(0, 2) + slot(2, 3)), padded('hello')]),
  );
  assert.equal(entry?.content.data, undefined);
  assert.equal(entry?.content.size, 5);
});

const SPARSE_SIZES = record('GNU.sparse.size', '9') + record('GNU.sparse.numblocks', '1');
const SPARSE_1 = record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0');
const SPARSE_10 = SPARSE_1 + record('GNU.sparse.realsize', '9');

function withPax(body: string, content = 'hello'): Uint8Array {
  return concatBytes([paxHeader(body), header({ size: content.length }), padded(content)]);
}

const LONG_NAME = concatBytes([gnuHeader({ type: 'L', size: 5 }), padded('name\0')]);

const REFUSED: readonly (readonly [
  what: string,
  archive: Uint8Array,
  code: string,
  message: RegExp,
  limits?: Partial<TarLimits>,
])[] = [
  ['no archive', bytesOf('#!/bin/sh\n'.repeat(100)), 'bad-header', /^byte 0: .* not a tar archive/],
  [
    'a short text',
    bytesOf('hello'),
    'truncated',
    /^byte 0: the archive ends inside of a header, after 5 bytes/,
  ],
  ['half a header', FILE.subarray(0, 300), 'truncated', /inside of a header, after 300 bytes/],
  ['half a second header', concatBytes([FILE, FILE.subarray(0, 1)]), 'truncated', /^byte 1024 after "file"/],
  [
    'half a content',
    FILE.subarray(0, 514),
    'truncated',
    /^"file" \(header at byte 0\): its 5 bytes start at byte 512, the archive ends at 514/,
  ],
  ['a content far beyond the end', header({ size: 0o77777777777 }), 'truncated', /its 8589934591 bytes/],
  [
    'zeros and more',
    concatBytes([FILE, ZERO_BLOCK, FILE]),
    'bad-header',
    /^byte 1024: one block of zeros after "file", then more/,
  ],
  [
    'zeros and half a block',
    concatBytes([FILE, ZERO_BLOCK, FILE.subarray(0, 9)]),
    'truncated',
    /inside of a header/,
  ],
  [
    'a damaged header',
    concatBytes([FILE, header({}).fill(1, 0, 9)]),
    'bad-header',
    /^byte 1024: .* what follows "file" is damaged/,
  ],
  ['no name', header({ name: '' }), 'bad-header', /^"" \(header at byte 0\): it has no name/],
  ['a link to nothing', header({ type: '2' }), 'bad-header', /a link that has no target/],
  [
    'a directory with content',
    header({ name: 'a/', size: 1 }),
    'bad-header',
    /its name is that of a directory/,
  ],
  ['a negative size', header({}, { 124: '\xff'.repeat(12) }), 'bad-header', /its size is -1/],
  ['a negative owner', header({}, { 108: '\xff'.repeat(8) }), 'bad-header', /its uid -1 is not one of/],
  ['a huge owner', withPax(record('gid', '4294967296')), 'bad-header', /its gid 4294967296 is not one of/],
  ['many volumes', gnuHeader({ type: 'M' }), 'unsupported', /entries of type "M"/],
  [
    'a name with control characters',
    header({ type: 'N', name: 'a\x1b[2Jb' }),
    'unsupported',
    /^"a\\u001b\[2Jb"/,
  ],
  ['pax and nothing', paxHeader(record('path', 'a')), 'truncated', /the archive ends before the entry/],
  [
    'a long name and the end',
    concatBytes([LONG_NAME, END]),
    'truncated',
    /the archive ends before the entry/,
  ],
  ['two long names', concatBytes([LONG_NAME, LONG_NAME]), 'bad-header', /second of its kind/],
  ['two pax headers', concatBytes([paxHeader(''), paxHeader('')]), 'bad-header', /second of its kind/],
  ['a pax header cut', paxHeader(record('path', 'a')).subarray(0, 600), 'truncated', /header at byte 0/],
  ['a pax header too large', header({ type: 'x', size: (1 << 20) + 1 }), 'limit', /the limit is 1048576/],
  ['a long name too long', gnuHeader({ type: 'L', size: 1 << 30 }), 'limit', /the limit is 65537/],
  ['a path too long', withPax(record('path', 'abcd')), 'limit', /longer than 3 bytes/, { pathLength: 3 }],
  ['too many entries', concatBytes([FILE, FILE, FILE]), 'limit', /more than 2 entries/, { entries: 2 }],
  [
    'many global xattrs',
    paxHeader(Array.from({ length: 17 }, (_, i) => record(`SCHILY.xattr.user.${i}`, '')).join(''), 'g'),
    'limit',
    /more than 16 xattrs/,
  ],
  ['a global sparse map', paxHeader(SPARSE_10, 'g'), 'unsupported', /sparse map in a global/],
  ['sparse by star', header({ type: 'S' }), 'unsupported', /only star writes/],
  [
    'sparse out of order',
    concatBytes([sparseHeader(2, 99, slot(5, 1) + slot(4, 1)), padded('ab')]),
    'bad-header',
    /out of order/,
  ],
  [
    'sparse, overlapping',
    concatBytes([sparseHeader(6, 99, slot(5, 3) + slot(7, 3)), padded('abcdef')]),
    'bad-header',
    /out of order/,
  ],
  [
    'sparse beyond its end',
    concatBytes([sparseHeader(1, 99, slot(99, 1)), padded('a')]),
    'bad-header',
    /beyond its 99 bytes/,
  ],
  [
    'sparse with data missing',
    concatBytes([sparseHeader(1, 99, slot(0, 2)), padded('a')]),
    'bad-header',
    /tells of 2 bytes of data, 1 are stored/,
  ],
  [
    'sparse with data left',
    concatBytes([sparseHeader(3, 99, slot(0, 2)), padded('abc')]),
    'bad-header',
    /tells of 2 bytes of data, 3 are stored/,
  ],
  ['sparse, map cut', sparseHeader(0, 99, '', '\x01'), 'truncated', /inside of its sparse map/],
  [
    'sparse of a negative size',
    gnuHeader({ type: 'S' }, { 386: '\0'.repeat(96), 483: '\xff'.repeat(12) }),
    'bad-header',
    /its real size is -1/,
  ],
  [
    'sparse with a bad number',
    sparseHeader(0, 99, '9'.repeat(24)),
    'bad-header',
    /a number that cannot be read/,
  ],
  ['sparse of no size', withPax(SPARSE_1), 'bad-header', /of no real size/],
  [
    'sparse 0.1, odd',
    withPax(SPARSE_SIZES + record('GNU.sparse.map', '0,5,9')),
    'bad-header',
    /does not have 1 ranges/,
  ],
  [
    'sparse 0.1, odd and uncounted',
    withPax(record('GNU.sparse.size', '9') + record('GNU.sparse.map', '0,5,9')),
    'bad-header',
    /out of order/,
  ],
  ['sparse 0.0, miscounted', withPax(SPARSE_SIZES), 'bad-header', /does not have 1 ranges/],
  [
    'sparse 2.0',
    withPax(record('GNU.sparse.major', '2') + record('GNU.sparse.size', '9')),
    'unsupported',
    /format 2\.0/,
  ],
  ['sparse 1.0, no map', withPax(SPARSE_10, ''), 'bad-header', /its sparse map does not end/],
  ['sparse 1.0, a bad map', withPax(SPARSE_10, padHole('1\n-1\n5\n')), 'bad-header', /not a list of numbers/],
  [
    'sparse 1.0, an empty line',
    withPax(SPARSE_10, padHole('1\n\n5\n')),
    'bad-header',
    /not a list of numbers/,
  ],
  ['sparse 1.0, long numbers', withPax(SPARSE_10, '0'.repeat(512)), 'bad-header', /not a list of numbers/],
  [
    'sparse 1.0, short of data',
    withPax(SPARSE_10, padHole('1\n0\n5\n')),
    'bad-header',
    /5 bytes of data, 0 are stored/,
  ],
  ['sparse 1.0, too many ranges', withPax(SPARSE_10, padHole('1000001\n')), 'limit', /1000001 ranges/],
  [
    'sparse, too many in all',
    concatBytes([sparseFile(), sparseFile()]),
    'limit',
    /more than 3 data ranges/,
    { sparseRanges: 3 },
  ],
];

function padHole(map: string): string {
  return map.padEnd(512, '\0');
}

function sparseFile(): Uint8Array {
  return concatBytes([sparseHeader(2, 9, slot(0, 1) + slot(5, 1)), padded('ab')]);
}

for (const [what, archive, code, message, limits] of REFUSED) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(entriesOf(archive, limits), { name: 'TarError', code, message });
  });
}

test('contents are not read, and reads are few', async () => {
  const archive = await archiveOf(
    ...Array.from({ length: 600 }, (_, index) => ({
      path: `large${index}`,
      kind: 'file' as const,
      content: memorySource(new Uint8Array(index < 100 ? 200_000 : 100)),
    })),
  );
  let reads = 0;
  let bytes = 0;
  const source: ByteSource = {
    size: archive.length,
    read(position, target) {
      const part = archive.subarray(position, position + target.length);
      target.set(part);
      reads++;
      bytes += part.length;
      return part.length;
    },
  };
  assert.equal((await entriesOf(source)).length, 600);
  assert.ok(reads < 115, `${reads} reads`);
  assert.ok(bytes < 100 * 4096 + 600_000, `${bytes} bytes of ${archive.length}`);
});

test('sources may answer later, and with less than was asked for', async () => {
  const bytes = new Uint8Array(3000);
  const data = [
    { start: 0, end: 512 },
    { start: 1024, end: 1536 },
    { start: 2560, end: 3000 },
  ];
  for (const [index, { start, end }] of data.entries()) bytes.fill(index + 1, start, end);
  const archive = await archiveOf(
    { path: 'x'.repeat(300), kind: 'file' },
    { path: 'sparse', kind: 'file', content: { ...memorySource(bytes), data } },
    { path: 'last', kind: 'fifo' },
  );
  const slow: ByteSource = {
    size: archive.length,
    async read(position, target) {
      await Promise.resolve();
      return memorySource(archive).read(position, target.subarray(0, 512));
    },
  };
  const [first, sparse, last] = await entriesOf(slow);
  assert.deepEqual([first?.path.length, last?.path], [300, 'last']);
  assert.ok(sparse !== undefined);
  assert.deepEqual(sparse.content.data, data);
  assert.deepEqual(await readAll(sparse.content, 3000), bytes);
});

test('a source that is shorter than it says', async () => {
  const source: ByteSource = {
    size: 4096,
    read: (position, target) => memorySource(FILE).read(position, target),
  };
  await assert.rejects(entriesOf(source), {
    code: 'truncated',
    message: /ends at byte 1024, but was said to be 4096/,
  });
});

test('an abort is heeded', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(Array.fromAsync(readTar(memorySource(FILE), { signal })), /enough/);
});
