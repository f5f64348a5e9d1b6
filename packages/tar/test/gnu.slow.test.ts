import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ByteString, type Content, type Range, readExactly } from '@cairn/bytes';
import type { NewTarEntry, TarEntry } from '../src/index.ts';
import { FINE, LARGE, OWNER, PLAIN, SPECIAL, text } from './fixtures.ts';
import { layOut, pack, temporaryFolder } from './machine.ts';
import { describe, entriesOf, openSource } from './support.ts';

/** What GNU tar packs is compared with what was laid out for it. */

const FORMATS: readonly (readonly [
  format: string,
  entries: readonly NewTarEntry[],
  args?: readonly string[],
])[] = [
  ['v7', PLAIN],
  ['ustar', [...PLAIN, ...SPECIAL]],
  ['oldgnu', [...PLAIN, ...SPECIAL, ...LARGE]],
  ['gnu', [...PLAIN, ...SPECIAL, ...LARGE]],
  ['pax', [...PLAIN, ...SPECIAL, ...LARGE]],
  ['pax', FINE, ['--xattrs', '--xattrs-include=*']],
];

for (const [format, entries, args = []] of FORMATS) {
  test(`GNU tar --format=${[format, ...args].join(' ')}`, async () => {
    using folder = temporaryFolder();
    const files = join(folder.path, 'files');
    await layOut(folder.path, [{ path: 'files', kind: 'directory', mode: 0o755 }]);
    await layOut(files, entries);
    const archive = join(folder.path, 'archive.tar');
    pack(files, archive, entries, [`--format=${format}`, ...args]);
    using source = openSource(archive);
    const found = await entriesOf(source);
    assert.deepEqual(
      await Promise.all(found.map((entry) => describe(withoutSlash(entry)))),
      await Promise.all(entries.map(describe)),
    );
  });
}

test('GNU tar --format=gnu --incremental, with times where ustar has the prefix', async () => {
  using folder = temporaryFolder();
  const entries = [...PLAIN, ...SPECIAL, ...LARGE].filter((entry) => entry.kind !== 'hardlink');
  await layOut(folder.path, entries);
  const archive = join(folder.path, 'archive.tar');
  pack(folder.path, archive, entries, ['--format=gnu', '--incremental']);
  using source = openSource(archive);
  // Names are given and their folders are walked too: what comes again is a hard link to itself.
  const found = new Map<ByteString, TarEntry>();
  for (const entry of await entriesOf(source)) {
    const { path } = withoutSlash(entry);
    if (!found.has(path)) found.set(path, entry);
  }
  for (const wanted of entries) {
    const entry = found.get(wanted.path);
    assert.ok(entry !== undefined, wanted.path);
    assert.deepEqual(await describe(withoutSlash(entry)), await describe(wanted));
  }
  assert.equal(found.size, entries.length);
});

/** GNU tar puts a slash behind the paths of directories. */
function withoutSlash(entry: TarEntry): TarEntry {
  return entry.kind === 'directory' ? { ...entry, path: entry.path.replace(/\/$/, '') } : entry;
}

const GIB = 2 ** 30;

/** A file of 9 GiB, so that no size fits into octal digits, with `count` pieces of 4 KiB spread over it. */
function sparse(path: string, count: number, endsInData: boolean): NewTarEntry {
  const size = 9 * GIB + 1;
  const data: Range[] = Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index * 9 * GIB) / count / 65536) * 65536;
    return { start, end: start + 4096 };
  });
  if (endsInData) data.push({ start: 9 * GIB, end: size });
  const content: Content = {
    size,
    data,
    read(position, target) {
      target.fill(1 + ((position / 65536) % 250));
      return target.length;
    },
  };
  return { ...OWNER, path, kind: 'file', mode: 0o644, content };
}

const SPARSE: readonly NewTarEntry[] = [
  sparse('all a hole', 0, false),
  sparse('one', 1, false),
  sparse('four', 4, false),
  sparse('five', 4, true),
  sparse('many', 200, true),
  { ...OWNER, path: 'after', kind: 'file', mode: 0o644, content: text('after') },
];

const SPARSE_FORMATS: readonly (readonly string[])[] = [
  ['--format=oldgnu'],
  ['--format=gnu'],
  ['--format=pax', '--sparse-version=0.0'],
  ['--format=pax', '--sparse-version=0.1'],
  ['--format=pax', '--sparse-version=1.0'],
];

for (const args of SPARSE_FORMATS) {
  test(`GNU tar --sparse ${args.join(' ')}`, async () => {
    using folder = temporaryFolder();
    await layOut(folder.path, SPARSE);
    const archive = join(folder.path, 'archive.tar');
    pack(folder.path, archive, SPARSE, ['--sparse', ...args]);
    using source = openSource(archive);
    const found = await entriesOf(source);
    assert.equal(found.length, SPARSE.length);
    for (const [index, wanted] of SPARSE.entries()) await assertSameSparse(found[index], wanted);
  });
}

async function assertSameSparse(found: TarEntry | undefined, wanted: NewTarEntry): Promise<void> {
  assert.ok(found !== undefined && wanted.content !== undefined);
  assert.equal(found.path, wanted.path);
  assert.equal(found.content.size, wanted.content.size);
  const stored = (found.content.data ?? []).reduce((sum, range) => sum + range.end - range.start, 0);
  assert.ok(stored <= 201 * 4096, `${wanted.path}: ${stored} bytes stored`);
  for (const { start, end } of wanted.content.data ?? []) {
    const bytes = await readExactly(wanted.content, start, end - start);
    assert.deepEqual(
      await readExactly(found.content, start, end - start),
      bytes,
      `${wanted.path} at ${start}`,
    );
    if (end === wanted.content.size) continue;
    assert.deepEqual(
      await readExactly(found.content, end, 4096),
      new Uint8Array(4096),
      `${wanted.path} at ${end}`,
    );
  }
}
