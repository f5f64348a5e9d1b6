import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import { z } from 'zod';
import { type InstalledPackage, packageUrl, readPackages, spdxDocument } from '../src/sbom/index.ts';
import { APK_FIXTURE, DPKG_FIXTURE, ndbFixture } from './sbom-fixtures/fixtures.ts';

function treeOf(files: Readonly<Record<string, string | Uint8Array>>): Directory {
  const root = makeDirectory();
  for (const [path, content] of Object.entries(files)) place(root, path, makeFile(content));
  return root;
}

const DEBIAN = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"\n';
const OPTIONS = { name: 'registry.example/os:1', imageDigest: `sha256:${'ab'.repeat(32)}` };

test('package URLs', () => {
  const base: InstalledPackage = { format: 'deb', name: 'curl', version: '8.14.1-2', architecture: 'amd64' };
  const debian = { id: 'debian', version: '13' };
  const cases: readonly (readonly [InstalledPackage, string])[] = [
    [base, 'pkg:deb/debian/curl@8.14.1-2?arch=amd64&distro=debian-13'],
    [
      {
        ...base,
        name: 'g++',
        version: '4:14.2.0+ds-1~bpo',
        source: { name: 'gcc-defaults', version: '1.220' },
      },
      'pkg:deb/debian/g%2B%2B@4:14.2.0%2Bds-1~bpo?arch=amd64&distro=debian-13&upstream=gcc-defaults%401.220',
    ],
    [
      { ...base, source: { name: 'curl', version: '8.14.1-2' } },
      'pkg:deb/debian/curl@8.14.1-2?arch=amd64&distro=debian-13',
    ],
    [
      { ...base, name: 'libcurl4', source: { name: 'curl', version: '8.14.1-2' } },
      'pkg:deb/debian/libcurl4@8.14.1-2?arch=amd64&distro=debian-13&upstream=curl',
    ],
    [{ ...base, format: 'apk', name: 'Musl' }, 'pkg:apk/debian/musl@8.14.1-2?arch=amd64&distro=debian-13'],
    [
      { ...base, format: 'rpm', name: 'ImageMagick', epoch: 1, source: { name: 'IM', version: '7-1' } },
      'pkg:rpm/debian/ImageMagick@8.14.1-2?arch=amd64&distro=debian-13&epoch=1&upstream=IM-7-1.src.rpm',
    ],
    [{ ...base, format: 'rpm', epoch: 0 }, 'pkg:rpm/debian/curl@8.14.1-2?arch=amd64&distro=debian-13'],
  ];
  for (const [found, expected] of cases) assert.equal(packageUrl(found, debian), expected);
  assert.equal(packageUrl(base, { id: 'arch' }), 'pkg:deb/arch/curl@8.14.1-2?arch=amd64&distro=arch');
});

test('every database of a tree is read, once, whatever names it has', async () => {
  const root = treeOf({
    '/etc/os-release': DEBIAN,
    '/var/lib/dpkg/status.d/base': 'Package: base-files\nVersion: 13\nArchitecture: amd64\n',
    '/var/lib/dpkg/status.d/base.md5sums': 'd41d8cd98f00b204e9800998ecf8427e  usr/share/x\n',
    '/lib/apk/db/installed': APK_FIXTURE,
    '/usr/lib/sysimage/rpm/Packages.db': ndbFixture(),
    '/usr/lib/sysimage/rpm/Packages': 'left by a conversion',
  });
  place(root, '/var/lib/rpm', makeSymlink('../../usr/lib/sysimage/rpm'));
  const list = await readPackages(root);
  assert.deepEqual(list.warnings, []);
  assert.deepEqual(list.distribution, { id: 'debian', version: '13' });
  assert.deepEqual(
    list.packages.map(({ format, name }) => `${format} ${name}`),
    ['apk busybox', 'apk local-tool', 'apk ssl_client', 'deb base-files', 'rpm alpha', 'rpm beta-libs'],
  );
});

const UNREADABLE: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['none', {}, /^no package database was found/],
  ['Berkeley DB', { '/var/lib/rpm/Packages': '\0\0\0\0' }, /\/var\/lib\/rpm\/Packages .*Berkeley DB/],
  [
    'not SQLite',
    { '/var/lib/rpm/rpmdb.sqlite': 'x'.repeat(200) },
    /rpmdb\.sqlite cannot be read: it does not start/,
  ],
  [
    'damaged',
    { '/var/lib/dpkg/status': 'Package: a\nVersion: 1\n\nrubbish' },
    /status cannot be read: line 4/,
  ],
];

for (const [name, files, message] of UNREADABLE) {
  test(`a database that is ${name} is a warning, and the document says so`, async () => {
    const list = await readPackages(treeOf(files));
    assert.deepEqual(list.packages, []);
    assert.equal(list.warnings.length, 1);
    assert.match(list.warnings[0] ?? '', message);
    assert.match(spdxDocument(list, OPTIONS).comment ?? '', /^Not complete: /);
  });
}

test('an abort is not a warning', async () => {
  const files = treeOf({});
  place(files, '/var/lib/dpkg/status', {
    ...makeFile(''),
    content: {
      size: 1,
      read: (_position, _target, signal) => {
        signal?.throwIfAborted();
        return 0;
      },
    },
  });
  await assert.rejects(readPackages(files, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

const Id = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
const Agent = z.union([z.literal('NOASSERTION'), z.string().regex(/^(?:Person|Organization): \S/)]);

const SpdxPackageSchema = z.strictObject({
  SPDXID: Id,
  name: z.string().min(1),
  versionInfo: z.string().min(1),
  primaryPackagePurpose: z.literal('CONTAINER').optional(),
  supplier: Agent,
  downloadLocation: z.literal('NOASSERTION'),
  filesAnalyzed: z.literal(false),
  checksums: z
    .array(
      z.strictObject({ algorithm: z.literal('SHA256'), checksumValue: z.string().regex(/^[0-9a-f]{64}$/) }),
    )
    .optional(),
  sourceInfo: z.string().optional(),
  licenseConcluded: z.literal('NOASSERTION'),
  licenseDeclared: z.string().min(1),
  copyrightText: z.literal('NOASSERTION'),
  externalRefs: z
    .array(
      z.strictObject({
        referenceCategory: z.literal('PACKAGE-MANAGER'),
        referenceType: z.literal('purl'),
        referenceLocator: z.string().regex(/^pkg:(?:deb|apk|rpm)\/[^\s/]+\/[^\s/@]+@[^\s/?@]+\?arch=\S+$/),
      }),
    )
    .optional(),
});

/** The mandatory fields of SPDX 2.3 and those optional ones that are written, by the specification's clauses 6, 7, 10 and 11. */
const SpdxSchema = z.strictObject({
  spdxVersion: z.literal('SPDX-2.3'),
  dataLicense: z.literal('CC0-1.0'),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  name: z.string().min(1),
  documentNamespace: z.url().regex(/^[^#]*$/),
  creationInfo: z.strictObject({
    created: z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/),
    creators: z.array(z.string().regex(/^Tool: \S+$/)).min(1),
  }),
  comment: z.string().optional(),
  packages: z.array(SpdxPackageSchema),
  hasExtractedLicensingInfos: z
    .array(
      z.strictObject({
        licenseId: z.string().regex(/^LicenseRef-[A-Za-z0-9.-]+$/),
        name: z.string(),
        extractedText: z.string().min(1),
      }),
    )
    .min(1)
    .optional(),
  relationships: z.array(
    z.strictObject({
      spdxElementId: Id,
      relationshipType: z.enum(['DESCRIBES', 'CONTAINS']),
      relatedSpdxElement: Id,
    }),
  ),
});

test('the document is as the specification wants it: ids unique, references whole', async () => {
  const list = await readPackages(
    treeOf({
      '/etc/os-release': DEBIAN,
      '/var/lib/dpkg/status': readFileSync('/var/lib/dpkg/status'),
      '/lib/apk/db/installed': APK_FIXTURE,
      '/var/lib/rpm/Packages.db': ndbFixture(),
    }),
  );
  const document = SpdxSchema.parse(JSON.parse(JSON.stringify(spdxDocument(list, OPTIONS))));
  const ids = document.packages.map(({ SPDXID }) => SPDXID);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, list.packages.length + 1);
  const [described, ...contained] = document.relationships;
  assert.deepEqual(described, {
    spdxElementId: 'SPDXRef-DOCUMENT',
    relationshipType: 'DESCRIBES',
    relatedSpdxElement: ids[0],
  });
  assert.ok(contained.every((each) => each.relationshipType === 'CONTAINS' && each.spdxElementId === ids[0]));
  assert.deepEqual(
    contained.map((each) => each.relatedSpdxElement),
    ids.slice(1),
  );
  const references = new Set(document.hasExtractedLicensingInfos?.map(({ licenseId }) => licenseId));
  for (const { licenseDeclared } of document.packages) {
    if (licenseDeclared.startsWith('LicenseRef-')) assert.ok(references.has(licenseDeclared));
  }
  assert.equal(
    document.packages.find(({ name }) => name === 'alpha')?.licenseDeclared,
    'GPL-2.0-or-later AND MIT',
  );
  assert.equal(
    document.packages.find(({ name }) => name === 'busybox')?.supplier,
    'Person: Sören Tempel (soeren+alpine@soeren-tempel.net)',
  );
});

const LICENSES: readonly (readonly [string, boolean])[] = [
  ['MIT', true],
  ['(MIT OR Apache-2.0) AND GPL-2.0-only WITH Linux-syscall-note', true],
  ['((MIT))', true],
  ['GPLv2+', false],
  ['MIT AND', false],
  ['MIT Apache-2.0', false],
  ['(MIT', false],
  ['MIT)', false],
  ['MIT WITH MIT', false],
  ['()', false],
  ['mit', false],
];

test('licenses: expressions as they are, anything else by reference', () => {
  const purl = 'pkg:rpm/x/y@1?arch=z';
  for (const [license, isExpression] of LICENSES) {
    const packages = [{ format: 'rpm', name: 'y', version: '1', architecture: 'z', license, purl } as const];
    const document = spdxDocument({ distribution: { id: 'x' }, packages, warnings: [] }, OPTIONS);
    const declared = document.packages[1]?.licenseDeclared;
    if (isExpression) {
      assert.equal(declared, license);
      assert.equal(document.hasExtractedLicensingInfos, undefined);
    } else {
      assert.match(declared ?? '', /^LicenseRef-[0-9a-f]{16}$/);
      assert.equal(document.hasExtractedLicensingInfos?.[0]?.extractedText, license);
    }
  }
});

test('the same image gives the same document, another one gives another namespace', async () => {
  const read = () => readPackages(treeOf({ '/var/lib/dpkg/status': DPKG_FIXTURE }));
  const first = spdxDocument(await read(), OPTIONS);
  assert.deepEqual(spdxDocument(await read(), OPTIONS), first);
  const other = spdxDocument(await read(), { ...OPTIONS, imageDigest: `sha256:${'cd'.repeat(32)}` });
  assert.notEqual(other.documentNamespace, first.documentNamespace);
});

const TIMES: readonly (readonly [string | undefined, string])[] = [
  [undefined, '1970-01-01T00:00:00Z'],
  ['2025-11-08T20:20:31.123456789Z', '2025-11-08T20:20:31Z'],
  ['2025-11-08T20:20:31+02:00', '2025-11-08T18:20:31Z'],
  ['yesterday', '1970-01-01T00:00:00Z'],
  ['+012345-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
];

test('the time of creation is the image’s', () => {
  const list = { distribution: { id: 'x' }, packages: [], warnings: [] };
  for (const [created, expected] of TIMES) {
    assert.equal(spdxDocument(list, { ...OPTIONS, created }).creationInfo.created, expected);
  }
});
