import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseApkInstalled, parseDpkgStatus, SbomError } from '../src/sbom/index.ts';
import { APK_FIXTURE, DPKG_FIXTURE } from './sbom-fixtures/fixtures.ts';

const encode = (text: string) => new TextEncoder().encode(text);

test("this machine's dpkg database is read as dpkg-query reads it", () => {
  const columns = ['Package', 'Version', 'Architecture', 'source:Package', 'source:Version', 'Maintainer'];
  const format = ['db:Status-Status', ...columns].map((column) => `\${${column}}`).join('\t');
  const listed = execFileSync('dpkg-query', ['-W', '-f', `${format}\n`], { encoding: 'utf8' });
  const expected = listed
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(?:not-installed|config-files)\t/.test(line))
    .map((line) => line.slice(line.indexOf('\t') + 1));
  const found = parseDpkgStatus(readFileSync('/var/lib/dpkg/status')).map((entry) =>
    [
      entry.name,
      entry.version,
      entry.architecture,
      entry.source?.name,
      entry.source?.version,
      entry.supplier,
    ].join('\t'),
  );
  assert.ok(found.length > 100);
  assert.deepEqual(found.sort(), expected.sort());
});

test('a dpkg database: sources, continued fields, packages that are not there any more', () => {
  assert.deepEqual(parseDpkgStatus(encode(DPKG_FIXTURE)), [
    {
      format: 'deb',
      name: 'libc6',
      version: '2.41-12',
      architecture: 'amd64',
      source: { name: 'glibc', version: '2.41-12' },
      supplier: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
    },
    {
      format: 'deb',
      name: 'g++',
      version: '4:14.2.0-1',
      architecture: 'amd64',
      source: { name: 'gcc-defaults', version: '1.220' },
    },
  ]);
});

test('an apk database', () => {
  assert.deepEqual(parseApkInstalled(encode(APK_FIXTURE)), [
    {
      format: 'apk',
      name: 'busybox',
      version: '1.37.0-r12',
      architecture: 'x86_64',
      source: { name: 'busybox', version: '1.37.0-r12' },
      supplier: 'Sören Tempel <soeren+alpine@soeren-tempel.net>',
      license: 'GPL-2.0-only',
    },
    {
      format: 'apk',
      name: 'ssl_client',
      version: '1.37.0-r12',
      architecture: 'x86_64',
      source: { name: 'busybox', version: '1.37.0-r12' },
      license: 'GPL-2.0-only',
    },
    {
      format: 'apk',
      name: 'local-tool',
      version: '0',
      architecture: 'noarch',
      source: { name: 'local-tool', version: '0' },
    },
  ]);
});

const EMPTY: readonly string[] = ['', '\n', '\n\n\n'];

for (const text of EMPTY) {
  test(`${JSON.stringify(text)} is a database without packages`, () => {
    assert.deepEqual(parseDpkgStatus(encode(text)), []);
    assert.deepEqual(parseApkInstalled(encode(text)), []);
  });
}

const MALFORMED: readonly (readonly [string, (bytes: Uint8Array) => unknown, string, RegExp])[] = [
  ['a paragraph that starts in the middle of a field', parseDpkgStatus, ' x\n', /^line 1 continues a field/],
  ['a line without a colon', parseDpkgStatus, 'Package: a\nnonsense\n', /^line 2 is not of the form/],
  ['a colon without a name', parseDpkgStatus, ': a\n', /^line 1 is not of the form/],
  [
    'a name given twice',
    parseDpkgStatus,
    'Package: a\nPackage: b\n',
    /^line 2 gives "package" a second time/,
  ],
  ['no name', parseDpkgStatus, '\n\nVersion: 1\n', /^the paragraph at line 3 names no package/],
  ['no version', parseDpkgStatus, 'Package: a\n', /^a \(line 1\) has no version/],
  ['binary data', parseDpkgStatus, '\x7fELF\x02\x01', /^line 1 is not of the form/],
  ['an apk line without a letter', parseApkInstalled, 'P:a\nPkg:a\n', /^line 2 is not of the form/],
  ['an apk name given twice', parseApkInstalled, 'P:a\nP:b\n', /^line 2 gives "P" a second time/],
  ['an apk entry without a name', parseApkInstalled, 'V:1\n', /^the entry at line 1 names no package/],
  ['an apk entry without a version', parseApkInstalled, 'P:a\n\nP:b\nV:1\n', /^a \(line 1\) has no version/],
];

for (const [name, parse, text, message] of MALFORMED) {
  test(`malformed: ${name}`, () => {
    assert.throws(
      () => parse(encode(text)),
      (error) =>
        error instanceof SbomError && error.code === 'malformed-database' && message.test(error.message),
    );
  });
}
