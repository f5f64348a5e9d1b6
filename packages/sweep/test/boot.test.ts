import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BootEntry,
  compareEntries,
  countTry,
  isEntryName,
  parseBootEntry,
  parseTries,
} from '../src/boot/entry.ts';
import { compareVersions } from '../src/boot/version.ts';

/** The list of the specification (UAPI.10), from older to newer. */
const ASCENDING = [
  '122.1',
  '123~rc1-1',
  '123',
  '123-a',
  '123-a.1',
  '123-1',
  '123-1.1',
  '123^post1',
  '123.a-1',
  '123.1-1',
  '123a-1',
  '124-1',
];

test('versions are in the order of the specification', () => {
  for (const [a, one] of ASCENDING.entries()) {
    for (const [b, two] of ASCENDING.entries()) {
      assert.equal(Math.sign(compareVersions(one, two)), Math.sign(a - b), `${one} and ${two}`);
    }
  }
});

const EQUAL = [
  ['123_a', '123a'],
  ['00123', '123'],
  ['', ''],
  ['1_', '1'],
] as const;
for (const [one, two] of EQUAL) {
  test(`"${one}" and "${two}" are the same version`, () => assert.equal(compareVersions(one, two), 0));
}

test('generations count as numbers', () => {
  assert.ok(compareVersions('10', '9') > 0);
  assert.ok(compareVersions('100', '20') > 0);
});

test('systemd compares versions as we do', () => {
  const part = fc.constantFrom('1', '2', '10', '007', 'a', 'b', 'rc', '~', '-', '.', '^', '_', '+');
  const version = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `1${parts.join('')}`);
  fc.assert(
    fc.property(version, version, (one, two) => {
      const ours = compareVersions(one, two);
      const sign = ours < 0 ? 'lt' : ours > 0 ? 'gt' : 'eq';
      // Exit code 0 where it is so.
      execFileSync('systemd-analyze', ['compare-versions', one, sign, two], { stdio: 'ignore' });
    }),
    { numRuns: 40 },
  );
});

const TRIES: readonly (readonly [string, number | undefined, number | undefined])[] = [
  ['cairn-7.conf', undefined, undefined],
  ['cairn-7+3.conf', 3, 0],
  ['cairn-7+2-1.conf', 2, 1],
  ['cairn-7+0-3.CONF', 0, 3],
  ['cairn+7+3.conf', 3, 0],
  ['cairn-7+3-.conf', undefined, undefined],
  ['cairn-7+x.conf', undefined, undefined],
  ['cairn-7+3.conf.conf', undefined, undefined],
  ['cairn-7+99999999999.conf', undefined, undefined],
];
for (const [name, left, done] of TRIES) {
  test(`the counter of ${name}`, () => {
    const tries = parseTries(name);
    assert.deepEqual([tries?.left, tries?.done], [left, done]);
  });
}

test('names of entries', () => {
  const names = ['a.conf', 'A.CONF', '.a.conf', 'auto-a.conf', 'a.conf.new', 'CAIRN-~1.CON'];
  assert.deepEqual(names.filter(isEntryName), ['a.conf', 'A.CONF']);
});

function entry(fileName: string, text = 'efi /EFI/cairn/a.efi'): BootEntry {
  const parsed = parseBootEntry(fileName, text);
  assert.ok(parsed !== undefined);
  return parsed;
}

test('an entry is read as the loader reads it', () => {
  const text =
    '# nothing\r\n\ttitle  "A title" \nsort-key cairn\nversion\t7\n\nefi \\EFI//cairn/a.efi\nunknown x\nlonely';
  const { loader, sortKey, version, file, id } = entry('Cairn-7+3.conf', text);
  assert.deepEqual(
    { loader, sortKey, version, file, id },
    {
      loader: 'EFI/cairn/a.efi',
      sortKey: 'cairn',
      version: '7',
      file: 'cairn-7+3.conf',
      id: 'cairn-7.conf',
    },
  );
});

for (const [name, text] of [
  ['no efi', 'title a\nversion 1\n'],
  ['nothing but zeros', '\0\0\0\0'],
  ['another architecture', 'architecture aa64\nefi /a.efi\n'],
  ['its efi behind a NUL', 'title a\0\nefi /a.efi\n'],
] as const) {
  test(`an entry with ${name} is none`, () => assert.equal(parseBootEntry('a.conf', text), undefined));
}

test('tries are counted as the loader counts them', () => {
  let current = entry('cairn-7+3.conf');
  const names = [];
  for (let boot = 0; boot < 4; boot++) {
    current = countTry(current);
    names.push(current.fileName);
  }
  assert.deepEqual(names, ['cairn-7+2-1.conf', 'cairn-7+1-2.conf', 'cairn-7+0-3.conf', 'cairn-7+0-4.conf']);
  assert.equal(countTry(entry('cairn-7.conf')).fileName, 'cairn-7.conf');
});

test('an entry and its twin with a counter stay as the folder has them', () => {
  const [counted, good] = [entry('cairn-2+2-1.conf'), entry('cairn-2.conf')];
  for (const folder of [
    [counted, good],
    [good, counted],
  ]) {
    assert.deepEqual(folder.toSorted(compareEntries), folder);
  }
});

test('the menu is in the order of the loader', () => {
  const text = (key: string, version: number) => `sort-key ${key}\nversion ${version}\nefi /a.efi`;
  const menu = [
    entry('cairn-10+3.conf', text('cairn', 10)),
    entry('cairn-9.conf', text('cairn', 9)),
    entry('cairn-2.conf', text('cairn', 2)),
    entry('cairn-recovery.conf', text('cairn-recovery', 0)),
    entry('zz.conf'),
    entry('aa.conf'),
    entry('cairn-11+0-3.conf', text('cairn', 11)),
  ];
  for (let turn = 0; turn < menu.length; turn++) {
    const mixed = [...menu.slice(turn), ...menu.slice(0, turn)].sort(compareEntries);
    assert.deepEqual(
      mixed.map(({ fileName }) => fileName),
      menu.map(({ fileName }) => fileName),
    );
  }
});
