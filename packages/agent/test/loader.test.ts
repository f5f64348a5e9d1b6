import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntry, releaseOf } from '../src/loader/entry.ts';
import type { LoaderEntry, LoaderState } from '../src/loader/load.ts';
import { type EntryName, formatEntryName, parseEntryName } from '../src/loader/name.ts';
import { bootOrder, nextGeneration } from '../src/loader/order.ts';
import { compareVersions, isOlder } from '../src/upgrade/version.ts';

const NAMES: readonly (readonly [string, EntryName | undefined])[] = [
  ['cairn-1.conf', { kind: 'slot', generation: 1, tries: undefined }],
  ['cairn-12+3.conf', { kind: 'slot', generation: 12, tries: { left: 3, done: 0 } }],
  ['cairn-7+2-1.conf', { kind: 'slot', generation: 7, tries: { left: 2, done: 1 } }],
  ['cairn-7+0-3.conf', { kind: 'slot', generation: 7, tries: { left: 0, done: 3 } }],
  ['cairn-recovery.conf', { kind: 'recovery', tries: undefined }],
  ['cairn-recovery+3.conf', { kind: 'recovery', tries: { left: 3, done: 0 } }],
  ['cairn-0.conf', undefined],
  ['cairn-01.conf', undefined],
  ['cairn-1.conf.new', undefined],
  ['cairn-1+.conf', undefined],
  ['cairn-1+3-.conf', undefined],
  ['cairn--1.conf', undefined],
  ['cairn-1e3.conf', undefined],
  ['debian.conf', undefined],
  ['cairn-9007199254740993.conf', undefined],
];

for (const [file, name] of NAMES) {
  test(`entry name ${file}`, () => {
    assert.deepEqual(parseEntryName(file), name);
    if (name?.kind === 'slot') assert.equal(formatEntryName(name.generation, name.tries), file);
  });
}

const ID = '0123456789abcdef'.repeat(2);

test('an entry is parsed as the loader does', () => {
  const text = `# comment\ntitle Old\r\ntitle  A name 1.0 \nsort-key cairn\nversion 7\nefi /EFI/cairn/${ID}.efi\noptions x\n`;
  const entry = parseEntry(Buffer.from(text));
  assert.deepEqual(entry, {
    title: 'A name 1.0',
    sortKey: 'cairn',
    version: '7',
    efi: `/EFI/cairn/${ID}.efi`,
  });
  assert.equal(releaseOf(entry), ID);
  assert.equal(releaseOf({ ...entry, efi: `\\efi\\CAIRN\\${ID.toUpperCase()}.EFI` }), ID);
  assert.equal(releaseOf({ ...entry, efi: '/EFI/Linux/other.efi' }), undefined);
  for (const missing of ['title', 'sort-key', 'version', 'efi']) {
    const without = text.replaceAll(new RegExp(`^${missing}[^\n]*\n`, 'gm'), '');
    assert.throws(() => parseEntry(Buffer.from(without)), {
      code: 'bad-entry',
      message: new RegExp(missing),
    });
  }
});

function entry(file: string, id = ID): LoaderEntry {
  const name = parseEntryName(file);
  if (name === undefined) throw new TypeError(file);
  const isSlot = name.kind === 'slot';
  return {
    file,
    name,
    id,
    text: {
      title: file,
      sortKey: isSlot ? 'cairn' : 'cairn-recovery',
      version: isSlot ? String(name.generation) : '1',
      efi: `/EFI/cairn/${id}.efi`,
    },
  };
}

function loaderOf(files: readonly string[], ukis: readonly string[] = [ID]): LoaderState {
  return {
    entries: files.map((file) => entry(file)),
    ukis: new Map(ukis.map((id) => [id, 1])),
    releases: new Map(),
    descriptions: new Map(),
    leftovers: [],
    problems: [],
  };
}

const ORDERS: readonly (readonly string[])[] = [
  ['cairn-10.conf', 'cairn-9.conf', 'cairn-recovery.conf'],
  ['cairn-3+3.conf', 'cairn-2.conf', 'cairn-1.conf'],
  ['cairn-2.conf', 'cairn-recovery.conf', 'cairn-3+0-3.conf'],
  ['cairn-3+1-2.conf', 'cairn-2.conf'],
  ['cairn-recovery.conf', 'cairn-2+0-3.conf', 'cairn-1+0-3.conf'],
];

for (const order of ORDERS) {
  test(`the loader takes ${order.join(', ')}`, () => {
    for (const files of [order, order.toReversed()]) {
      assert.deepEqual(
        bootOrder(loaderOf(files)).map(({ file }) => file),
        order,
      );
    }
  });
}

test('an entry whose UKI is missing is passed over, and its generation is taken all the same', () => {
  const loader = loaderOf(['cairn-4.conf'], []);
  assert.deepEqual(bootOrder(loader), []);
  assert.equal(nextGeneration(loader), 5);
  assert.equal(nextGeneration(loaderOf(['cairn-recovery.conf'])), 1);
});

/** In rising order: those of UAPI.10 and of systemd's own test. */
const RISING = [
  '~1',
  '',
  'ab',
  'abb',
  'abc',
  '0001',
  '002',
  '12',
  '122',
  '122.9',
  '123~rc1',
  '123',
  '123-a',
  '123-a.1',
];
const PAIRS: readonly (readonly [string, string, number])[] = [
  ['123', '123', 0],
  ['123_aa2-67.89', '123aa+2-67.89', 0],
  ['00123', '123', 0],
  ['1.0', '1.0.1', -1],
  ['1.9', '1.10', -1],
  ['11-1', '11.1-1', -1],
  ['1.0~rc1', '1.0', -1],
  ['123^45', '123', 1],
  ['124', '123^45', 1],
  ['2026.01.02', '2025.12.31', 1],
];

test('versions are compared as UAPI.10 says', () => {
  for (const [index, older] of RISING.entries()) {
    for (const newer of RISING.slice(index + 1)) {
      assert.equal(compareVersions(older, newer), -1, `${older} < ${newer}`);
      assert.equal(compareVersions(newer, older), 1, `${newer} > ${older}`);
    }
  }
  for (const [a, b, order] of PAIRS) assert.equal(compareVersions(a, b), order, `${a} and ${b}`);
});

test('a version that is a digest is neither older nor newer', () => {
  const of = (version: string, digit: string) => ({
    version,
    image: { digest: `sha256:${digit.repeat(64)}` },
  });
  assert.equal(isOlder(of('1.0', 'a'), of('1.1', 'b')), true);
  assert.equal(isOlder(of('1.1', 'a'), of('1.0', 'b')), false);
  assert.equal(isOlder(of('13-aaaaaaaa', 'a'), of('13-bbbbbbbb', 'b')), false);
  assert.equal(isOlder(of('13-bbbbbbbb', 'b'), of('13-aaaaaaaa', 'a')), false);
  assert.equal(isOlder(of('12-bbbbbbbb', 'b'), of('13-aaaaaaaa', 'a')), true);
  assert.equal(isOlder(of('aaaaaaaa', 'a'), of('13', 'b')), false);
});
