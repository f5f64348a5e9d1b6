import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import { makeDirectory, makeFile, place } from '@cairn/tree';
import {
  ndbBlobs,
  parseRpmHeader,
  readPackages,
  SbomError,
  type SqliteValue,
  sqliteRows,
} from '../src/sbom/index.ts';
import { BASH_TAGS, ndbFixture, rpmHeader } from './sbom-fixtures/fixtures.ts';

function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-sbom-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function rowsOf(database: Uint8Array, table: string, wal?: Uint8Array): Promise<SqliteValue[][]> {
  const rows: SqliteValue[][] = [];
  const log = wal === undefined ? undefined : memorySource(wal);
  for await (const row of sqliteRows(memorySource(database), table, { wal: log })) rows.push([...row]);
  return rows;
}

/** One subpackage's description is long, so that its header spills over several pages. */
function specFile(count: number): string {
  const lines = ['Name: main', 'Version: 1.5~rc1', 'Release: 7.fc41', 'Summary: s', 'License: MIT'];
  lines.push('Vendor: Example Vendor', 'BuildArch: noarch', '%description', 'd', '%files');
  for (let index = 0; index < count; index++) {
    lines.push(`%package -n lib${index}`, 'Summary: s', `Version: ${index}.0+git^${index}`);
    if (index % 3 === 0) lines.push(`Epoch: ${index}`);
    if (index % 2 === 0) lines.push('License: GPLv2+ and Public Domain');
    lines.push(`%description -n lib${index}`, 'long '.repeat(index * 900), `%files -n lib${index}`);
  }
  return `${lines.join('\n')}\n`;
}

test('an rpm database that rpm made is read as rpm reads it', async (context) => {
  const folder = scratchFolder(context);
  const spec = join(folder, 'main.spec');
  writeFileSync(spec, specFile(12));
  execFileSync('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${folder}/build`, spec], {
    stdio: 'pipe',
  });
  const packages = readdirSync(`${folder}/build/RPMS/noarch`).map(
    (name) => `${folder}/build/RPMS/noarch/${name}`,
  );
  const db = join(folder, 'db');
  mkdirSync(db);
  execFileSync('rpm', ['--dbpath', db, '-i', '--justdb', '--nodeps', '--ignoreos', ...packages], {
    stdio: 'pipe',
  });
  const format =
    '%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{VENDOR}\\t%{LICENSE}\\t%{SOURCERPM}\\n';
  const listed = execFileSync('rpm', ['--dbpath', db, '-qa', '--queryformat', format], { encoding: 'utf8' });
  const root = makeDirectory();
  place(root, '/usr/lib/sysimage/rpm/rpmdb.sqlite', makeFile(readFileSync(join(db, 'rpmdb.sqlite'))));
  const list = await readPackages(root);
  assert.deepEqual(list.warnings, []);
  const found = list.packages.map((entry) =>
    [
      entry.name,
      entry.epoch,
      entry.version,
      entry.architecture,
      entry.supplier,
      entry.license,
      `${entry.source?.name}-${entry.source?.version}.src.rpm`,
    ].join('\t'),
  );
  assert.equal(found.length, 13);
  assert.deepEqual(found.sort(), listed.trimEnd().split('\n').sort());
});

test('an ndb database that rpm made', async () => {
  const found = [];
  for await (const blob of ndbBlobs(memorySource(ndbFixture()))) found.push(parseRpmHeader(blob));
  const common = {
    format: 'rpm',
    version: '1.2.3-4.fc40',
    epoch: 2,
    architecture: 'noarch',
    source: { name: 'alpha', version: '1.2.3-4.fc40' },
    supplier: 'Example Vendor',
  };
  assert.deepEqual(found, [
    { ...common, name: 'beta-libs', license: 'Weird License v9' },
    { ...common, name: 'alpha', license: 'GPL-2.0-or-later AND MIT' },
  ]);
});

const PAGE_SIZES = [512, 4096, 65536] as const;

for (const pageSize of PAGE_SIZES) {
  test(`rows of every type and size as SQLite reads them, pages of ${pageSize} bytes`, async (context) => {
    const path = join(scratchFolder(context), 'db');
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA page_size=${pageSize}`);
    database.exec('CREATE TABLE other (x); CREATE TABLE wanted (a, b); CREATE INDEX i ON wanted (a)');
    const insert = database.prepare('INSERT INTO wanted VALUES (?, ?)');
    const numbers = [
      0,
      1,
      2,
      127,
      128,
      -1,
      -128,
      -129,
      32767,
      -32768,
      8388607,
      2 ** 31,
      -(2 ** 40),
      2 ** 50,
      0.5,
    ];
    database.exec('BEGIN');
    for (let index = 0; index < 1500; index++) {
      const size = index % 50 === 0 ? index * 17 : index % 97;
      const value = index % 2 === 0 ? new Uint8Array(size).fill(index) : 'ä'.repeat(size);
      insert.run(index % 7 === 0 ? null : (numbers[index % numbers.length] ?? 0), value);
    }
    database.exec('COMMIT; DELETE FROM wanted WHERE rowid % 5 = 3');
    const expected = database.prepare('SELECT a, b FROM wanted ORDER BY rowid').all();
    database.close();
    const rows = await rowsOf(readFileSync(path), 'wanted');
    assert.deepEqual(
      rows.map(([a, b]) => [a, b instanceof Uint8Array ? Buffer.from(b) : b]),
      expected.map(({ a, b }) => [a, b instanceof Uint8Array ? Buffer.from(b) : b]),
    );
  });
}

test('what is committed in the log counts, what is not does not', async (context) => {
  const folder = scratchFolder(context);
  const database = new DatabaseSync(join(folder, 'db'));
  database.exec('PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
  database.exec("CREATE TABLE t (x); INSERT INTO t VALUES ('checkpointed'); PRAGMA wal_checkpoint");
  database.exec("INSERT INTO t VALUES ('in the log')");
  for (let index = 0; index < 50; index++)
    database.exec(`INSERT INTO t VALUES ('${'x'.repeat(index * 50)}')`);
  const expected = database.prepare('SELECT x FROM t ORDER BY rowid').all();
  database.exec('PRAGMA cache_size=1; BEGIN');
  for (let index = 0; index < 50; index++) database.exec(`INSERT INTO t VALUES ('never ${'y'.repeat(900)}')`);
  cpSync(join(folder, 'db'), join(folder, 'copy'));
  cpSync(join(folder, 'db-wal'), join(folder, 'copy-wal'));
  database.exec('ROLLBACK');
  database.close();
  const main = readFileSync(join(folder, 'copy'));
  const wal = readFileSync(join(folder, 'copy-wal'));
  assert.deepEqual(
    (await rowsOf(main, 't', wal)).map(([x]) => x),
    expected.map(({ x }) => x),
  );
  assert.deepEqual(await rowsOf(main, 't'), [['checkpointed']]);
  assert.deepEqual(await rowsOf(main, 't', wal.subarray(0, 31)), [['checkpointed']]);
  const damaged = Uint8Array.from(wal);
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  assert.deepEqual(await rowsOf(main, 't', damaged), [['checkpointed']]);
});

test('rpm headers: absent fields, keys, and headers that are none', () => {
  assert.deepEqual(parseRpmHeader(rpmHeader(BASH_TAGS)), {
    format: 'rpm',
    name: 'bash',
    version: '5.2.26-3.fc40',
    epoch: 1,
    architecture: 'x86_64',
    source: { name: 'bash', version: '5.2.26-3.fc40' },
    supplier: 'Fedora Project',
    license: 'GPL-3.0-or-later',
  });
  assert.deepEqual(parseRpmHeader(rpmHeader(BASH_TAGS.slice(0, 3))), {
    format: 'rpm',
    name: 'bash',
    version: '5.2.26-3.fc40',
    epoch: 0,
    architecture: 'noarch',
  });
  const key = [{ tag: 1000, value: 'gpg-pubkey' }, ...BASH_TAGS.slice(1)];
  assert.equal(parseRpmHeader(rpmHeader(key)), undefined);
});

function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  return copy;
}

function withoutEnd(header: Uint8Array): Uint8Array {
  return changed(header, header.length - 1, 65);
}

const [NAME, VERSION, RELEASE] = [
  { tag: 1000, value: 'a' },
  { tag: 1001, value: '1' },
  { tag: 1002, value: '1' },
];

const BAD_HEADERS: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(), /has only 0 bytes/],
  ['half of one', rpmHeader(BASH_TAGS).subarray(0, 100), /says that it has/],
  ['more than one', new Uint8Array(rpmHeader(BASH_TAGS).length * 2), /says that it has 8/],
  ['no release', rpmHeader([NAME, VERSION]), /has no release/],
  [
    'a name outside of the data',
    rpmHeader([{ ...NAME, offset: 2 ** 31 }, VERSION, RELEASE]),
    /lies at 2147483648/,
  ],
  [
    'a name that is a number',
    rpmHeader([{ ...NAME, type: 4 }, VERSION, RELEASE]),
    /1000 of an rpm header is not a/,
  ],
  [
    'an epoch that is text',
    rpmHeader([...BASH_TAGS.slice(0, 3), { tag: 1003, value: '1' }]),
    /1003 .* not a number/,
  ],
  ['a string without an end', withoutEnd(rpmHeader([VERSION, RELEASE, NAME])), /has no end/],
];

for (const [name, blob, message] of BAD_HEADERS) {
  test(`an rpm header that is ${name}`, () => {
    assert.throws(
      () => parseRpmHeader(blob),
      (error) => error instanceof SbomError && message.test(error.message),
    );
  });
}

test('SQLite databases that are none, or run in circles', async (context) => {
  const path = join(scratchFolder(context), 'db');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA page_size=512; CREATE TABLE t (x)');
  for (let index = 0; index < 100; index++)
    database.exec(`INSERT INTO t VALUES ('${'x'.repeat(100 + index * 7)}')`);
  database.close();
  const good = readFileSync(path);
  const root = 512;
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(), /has no header/],
    [new Uint8Array(4096), /does not start as/],
    [changed(good, 16, 1, 1), /pages of 257 bytes/],
    [changed(good, 20, 255), /only 257 bytes/],
    [changed(good, 56, 0, 0, 0, 2), /is not UTF-8/],
    [changed(good, 100, 2), /kind 2/],
    [changed(good, root + 8, 0, 0, 0, 2), /page 2 of the SQLite database is used twice/],
    [changed(good, root + 8, 0, 1, 0, 0), /page 65536 of an SQLite database/],
    [changed(good, root + 3, 255, 255), /no room for 65535 cells/],
    [changed(good, root + 12, 255, 255), /a cell lies outside/],
    [good.subarray(0, 1024), /page \d+ of an SQLite database of 2 pages is used/],
  ];
  for (const [bytes, message] of cases) {
    await assert.rejects(
      rowsOf(bytes, 't'),
      (error) => error instanceof SbomError && message.test(error.message),
    );
  }
  await assert.rejects(rowsOf(good, 'Packages'), /no table Packages/);
});

test('ndb databases that are damaged', async () => {
  const good = ndbFixture();
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(100), /has no slots/],
    [changed(good, 0, 0), /does not start as/],
    [changed(good, 12, 255), /cannot have 255 pages/],
    [changed(good, 64, 0), /a slot of the ndb database is damaged/],
    [changed(good, 32 + 12, 0, 4), /lies outside/],
    [changed(good, 32 + 8, 1, 0), /lies outside/],
    [changed(good, 32 + 12, 1), /has no room/],
    [changed(good, 4096 + 200, 255), /package 1 of the ndb database is damaged/],
  ];
  for (const [bytes, message] of cases) {
    const read = async () => {
      for await (const blob of ndbBlobs(memorySource(bytes))) assert.ok(blob.length > 0);
    };
    await assert.rejects(read, (error) => error instanceof SbomError && message.test(error.message));
  }
});
