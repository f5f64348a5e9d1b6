import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ByteTarget, type Content, fromText, memoryTarget } from '@cairn/bytes';
import {
  type Attributes,
  type Directory,
  type Inode,
  makeDirectory,
  makeFile,
  makeSymlink,
} from '@cairn/tree';
import { DiskError, type DiskErrorCode, type ErofsOptions, planErofs, writeErofs } from '../src/index.ts';
import { bytes, directory, sampleTree, sparseContent } from './erofs-sample.ts';
import { fsck, imageOf, seenInMount, seenInTree, UUID, withMount, writeImage } from './erofs-support.ts';
import { fileTarget, scratchFolder } from './scratch.ts';

test('the kernel sees every inode of a tree as it was', async (t) => {
  const image = join(scratchFolder(t), 'image');
  const root = sampleTree();
  await writeImage(image, root, { volumeLabel: 'fifteen-bytes-x', buildTime: 1_600_000_000 });
  fsck(image);
  assert.deepEqual(await withMount(image, seenInMount), await seenInTree(root));
});

test('the image depends on the tree alone, and is written once from start to end', async () => {
  const root = sampleTree();
  const written = { end: 0, calls: 0 };
  const digest = createHash('sha256');
  const target: ByteTarget = {
    async write(position, chunk) {
      assert.equal(position, written.end);
      written.end += chunk.length;
      written.calls++;
      digest.update(chunk);
    },
  };
  const layout = planErofs(root, { uuid: UUID });
  const progress: number[] = [];
  await writeErofs(layout, target, {
    onProgress(done, total) {
      assert.equal(total, layout.size);
      progress.push(done);
    },
  });
  assert.equal(written.end, layout.size);
  assert.equal(layout.size % 4096, 0);
  assert.equal(progress.at(-1), layout.size);
  assert.equal(progress.length, written.calls);

  const again = createHash('sha256').update(await imageOf(reversed(sampleTree())));
  assert.equal(again.digest('hex'), digest.digest('hex'));
});

/** The same tree with the names of each directory put in the other way round. */
function reversed(root: Directory): Directory {
  const entries = [...root.entries].reverse();
  root.entries.clear();
  for (const [name, inode] of entries) {
    root.entries.set(name, inode);
    if (inode.kind === 'directory') reversed(inode);
  }
  return root;
}

test('a directory of 70,000 names, all of one inode', async (t) => {
  const image = join(scratchFolder(t), 'image');
  const file = makeFile('one');
  const names = Array.from({ length: 70_000 }, (_, i) => `name-${i}`);
  await writeImage(
    image,
    directory({ many: directory(Object.fromEntries(names.map((name) => [name, file]))) }),
  );
  fsck(image);
  await withMount(image, (point) => {
    assert.deepEqual(readdirSync(join(point, 'many')).sort(), names.toSorted());
    const { nlink, size } = lstatSync(join(point, 'many', 'name-69999'));
    assert.deepEqual({ nlink, size }, { nlink: 70_000, size: 3 });
  });
});

test('sparse files take what they store, however large they are', async (t) => {
  const GiB = 2 ** 30;
  const cases: readonly (readonly [name: string, content: Content, atMost: number])[] = [
    ['only a hole', sparseContent(1024 * GiB, []), 1 << 20],
    ['data beyond 4 GiB', sparseContent(6 * GiB + 5, [{ start: 5 * GiB, end: 5 * GiB + 100_000 }]), 1 << 20],
    ['the last byte', sparseContent(5 * GiB, [{ start: 5 * GiB - 1, end: 5 * GiB }]), 1 << 20],
    [
      'a block here and there',
      sparseContent(
        GiB,
        Array.from({ length: 500 }, (_, i) => ({ start: i << 21, end: (i << 21) + 4096 })),
      ),
      5 << 20,
    ],
    ['less than a block of holes', sparseContent(100_000, [{ start: 0, end: 99_000 }]), 200_000],
  ];
  const image = join(scratchFolder(t), 'image');
  const root = makeDirectory();
  for (const [name, content, atMost] of cases) {
    const alone = directory({ [name]: makeFile(content) });
    const { size } = planErofs(alone, { uuid: UUID });
    assert.ok(size <= atMost, `${name}: ${size}`);
    root.entries.set(name, makeFile(content));
  }
  await writeImage(image, root);
  fsck(image);
  await withMount(image, (point) => {
    for (const [name, content] of cases) {
      assert.equal(lstatSync(join(point, name)).size, content.size, name);
      for (const { start, end } of [...(content.data ?? []).slice(-3), { start: 70_000, end: 80_000 }]) {
        assertSame(join(point, name), content, Math.max(0, start - 5000), end + 5000);
      }
    }
  });
});

/** Compares a part of a file with what its content gives. */
function assertSame(path: string, content: Content, start: number, end: number): void {
  const wanted = new Uint8Array(end - start);
  const count = content.read(start, wanted);
  const got = new Uint8Array(end - start);
  const file = openSync(path, 'r');
  try {
    assert.equal(readSync(file, got, 0, got.length, start), count);
  } finally {
    closeSync(file);
  }
  assert.deepEqual(got, wanted);
}

test('an image and a file beyond 4 GiB', async (t) => {
  const path = join(scratchFolder(t), 'image');
  const mark = bytes(10_000, 3);
  const large = 4.5 * 2 ** 30 + 10;
  const content: Content = {
    size: large,
    read(position, target) {
      const part = target.subarray(0, large - position).fill(0);
      const start = large - mark.length - position;
      if (start + mark.length > 0 && start < part.length) {
        part.set(mark.subarray(Math.max(0, -start), part.length - start), Math.max(0, start));
      }
      return part.length;
    },
  };
  const root = directory({
    a: makeFile(content),
    b: makeFile(mark),
    c: makeFile(sparseContent(2 ** 33, [])),
  });
  const layout = planErofs(root, { uuid: UUID });
  {
    await using file = await fileTarget(path, layout.size);
    const zeros = Buffer.alloc(1 << 20);
    const sparse: ByteTarget = {
      write: (position, chunk) =>
        zeros.compare(chunk, 0, chunk.length, 0, chunk.length) === 0
          ? undefined
          : file.write(position, chunk),
    };
    await writeErofs(layout, sparse);
  }
  assert.ok(layout.size > 4.5 * 2 ** 30);
  await withMount(path, (point) => {
    assert.equal(lstatSync(join(point, 'a')).size, large);
    assertSame(join(point, 'a'), content, large - 20_000, large);
    assertSame(join(point, 'b'), makeFile(mark).content, 0, mark.length);
  });
});

const loop = makeDirectory();
loop.entries.set('again', loop);

function xattr(name: string, size: number): Partial<Attributes> {
  return { xattrs: new Map([[name, new Uint8Array(size)]]) };
}

function sized(size: number, data?: Content['data']): Inode {
  return makeFile({ size, read: () => 0, ...(data === undefined ? {} : { data }) });
}

const refused: readonly (readonly [
  what: string,
  code: DiskErrorCode,
  said: RegExp,
  root: Directory,
  options?: Partial<ErofsOptions>,
])[] = [
  ['an empty name', 'erofs-invalid-request', /^\/: ""/, directory({ '': makeFile('') })],
  ['a slash', 'erofs-invalid-request', /"a\/b"/, directory({ 'a/b': makeFile('') })],
  ['a zero byte', 'erofs-invalid-request', /cannot be the name/, directory({ 'a\0': makeFile('') })],
  ['no byte string', 'erofs-invalid-request', /cannot be the name/, directory({ 日本: makeFile('') })],
  ['a dot', 'erofs-invalid-request', /^\/in: "\."/, directory({ in: directory({ '..': makeFile('') }) })],
  [
    'a long name',
    'erofs-too-large',
    /^\/größe: the name n+ has 256/,
    directory({ [fromText('größe')]: directory({ ['n'.repeat(256)]: makeFile('') }) }),
  ],
  ['a loop', 'erofs-invalid-request', /directory \/ is in the tree a second time, as again in \//, loop],
  ['a long target', 'erofs-too-large', /^\/l: .*4096 bytes/, directory({ l: makeSymlink('x'.repeat(4096)) })],
  ['an empty target', 'erofs-invalid-request', /^\/l: /, directory({ l: makeSymlink('') })],
  [
    'an unknown prefix',
    'erofs-invalid-request',
    /^\/f: .*attribute system\.nfs4_acl/,
    directory({ f: makeFile('', xattr('system.nfs4_acl', 1)) }),
  ],
  [
    'a bare prefix',
    'erofs-invalid-request',
    /attribute user\./,
    directory({ f: makeFile('', xattr('user.', 1)) }),
  ],
  ['a long value', 'erofs-too-large', /^\/f: /, directory({ f: makeFile('', xattr('user.a', 65_536)) })],
  [
    'a long attribute',
    'erofs-too-large',
    /^\/f: /,
    directory({ f: makeFile('', xattr(`user.${'a'.repeat(256)}`, 1)) }),
  ],
  [
    'many attributes',
    'erofs-too-large',
    /^\/f: its extended attributes take 3\d{5} bytes/,
    directory({
      f: makeFile('', {
        xattrs: new Map(Array.from({ length: 5 }, (_, i) => [`user.${i}`, new Uint8Array(65_000)])),
      }),
    }),
  ],
  ['a mode', 'erofs-invalid-request', /^\/f: mode/, directory({ f: makeFile('', { mode: 0o10_0644 }) })],
  ['an owner', 'erofs-invalid-request', /^\/f: .*owner -1/, directory({ f: makeFile('', { uid: -1 }) })],
  [
    'a time',
    'erofs-invalid-request',
    /^\/f: /,
    directory({ f: makeFile('', { mtime: { seconds: 0.5, nanoseconds: 0 } }) }),
  ],
  [
    'a device',
    'erofs-invalid-request',
    /^\/d: .*4096:0/,
    directory({ d: { ...makeFile(''), kind: 'block-device', major: 4096, minor: 0 } }),
  ],
  ['a size', 'erofs-invalid-request', /^\/f: -1/, directory({ f: sized(-1) })],
  ['2^32 blocks', 'erofs-too-large', /^\/b goes beyond/, directory({ a: sized(2 ** 43), b: sized(2 ** 43) })],
  [
    'ranges out of order',
    'erofs-invalid-request',
    /^\/f: /,
    directory({
      f: sized(100, [
        { start: 50, end: 60 },
        { start: 40, end: 45 },
      ]),
    }),
  ],
  [
    'a range outside',
    'erofs-invalid-request',
    /^\/f: /,
    directory({ f: sized(100, [{ start: 0, end: 101 }]) }),
  ],
  ['a short UUID', 'erofs-invalid-request', /16 bytes/, directory({}), { uuid: new Uint8Array(15) }],
  ['a long label', 'erofs-invalid-request', /label/, directory({}), { volumeLabel: 'ü'.repeat(8) }],
  ['a build time', 'erofs-invalid-request', /build time/, directory({}), { buildTime: 0.5 }],
];

for (const [what, code, said, root, options] of refused) {
  test(`${what} is refused before anything is written`, () => {
    assert.throws(
      () => planErofs(root, { uuid: UUID, ...options }),
      (error) => error instanceof DiskError && error.code === code && said.test(error.message),
    );
  });
}

test('a directory that is under two names is refused', () => {
  const twice = directory({});
  assert.throws(() => planErofs(directory({ a: directory({ b: twice }), c: twice }), { uuid: UUID }), {
    code: 'erofs-invalid-request',
    message: 'the directory /a/b is in the tree a second time, as c in /',
  });
});

test('a file that cannot be read to its end is an error that names it', async () => {
  const short: Content = { size: 10_000, read: (position) => Math.min(100, 9000 - position) };
  const failing: Content = { size: 10_000, read: () => Promise.reject(new Error('the disk is on fire')) };
  const tooMuch: Content = { size: 10_000, read: (_, target) => target.length + 1 };
  const cases = [
    [short, '/dir/file ends at byte 9000, it should have 10000 bytes', undefined],
    [failing, '/dir/file could not be read at byte 8192', 'the disk is on fire'],
    [tooMuch, '/dir/file ends at byte 8192, it should have 10000 bytes', undefined],
  ] as const;
  for (const [content, message, cause] of cases) {
    await assert.rejects(
      imageOf(directory({ dir: directory({ file: makeFile(content) }) })),
      (error) =>
        error instanceof DiskError &&
        error.code === 'erofs-content' &&
        error.message === message &&
        (error.cause instanceof Error ? error.cause.message : undefined) === cause,
    );
  }
});

test('writing can be given up', async () => {
  const controller = new AbortController();
  const content: Content = {
    size: 1 << 30,
    read(position, target) {
      if (position > 5_000_000) controller.abort(new Error('enough'));
      return target.length;
    },
  };
  const layout = planErofs(directory({ file: makeFile(content) }), { uuid: UUID });
  await assert.rejects(writeErofs(layout, memoryTarget(), { signal: controller.signal }), /enough/);
});
