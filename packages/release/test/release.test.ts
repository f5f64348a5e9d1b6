import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { veritySize } from '@cairn/disk';
import type { Reference } from '@cairn/oci';
import { parseOsRelease, parseRelease, type Release, ReleaseError, type SourceImage } from '../src/index.ts';
import { chooseName, chooseRootUuid, chooseVersion, describeImage } from '../src/release/identity.ts';
import { encodeRelease, RELEASE_LIMIT } from '../src/release/schema.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const DATA_SIZE = 1 << 20;

const RELEASE: Release = {
  formatVersion: 1,
  name: 'Sample OS',
  version: '7-dddddddd',
  architecture: 'amd64',
  image: { source: 'registry', reference: 'docker.io/library/debian:13', digest: `sha256:${'d'.repeat(64)}` },
  framework: { version: '0.1.0', digest: 'f'.repeat(64) },
  kernel: { version: '6.12.9' },
  init: { path: '/sbin/init', kind: 'systemd' },
  commandLine: 'roothash=00 ro',
  root: {
    file: 'root.erofs',
    size: DATA_SIZE + veritySize(DATA_SIZE),
    dataSize: DATA_SIZE,
    rootHash: '0'.repeat(64),
    hashOffset: DATA_SIZE,
    uuid: 'f9cfa685-8920-8ade-88ca-05d6320b438e',
  },
  uki: { file: 'uki.efi', size: 4096, sha256: '1'.repeat(64) },
  sbom: { file: 'sbom.spdx.json', size: 10, sha256: '2'.repeat(64), packages: 0 },
  slotSize: 2 ** 31,
};

describe('release.json', () => {
  test('comes back as it was', () => {
    assert.deepEqual(parseRelease(encodeRelease(RELEASE)), RELEASE);
  });

  test('with the image that the kernel is from', () => {
    const release: Release = {
      ...RELEASE,
      kernel: { version: '6.12.9', image: { source: 'tar', digest: `sha512:${'e'.repeat(128)}` } },
    };
    assert.deepEqual(parseRelease(encodeRelease(release)), release);
  });

  const change = (part: object) => JSON.stringify({ ...RELEASE, ...part });
  const BAD: readonly (readonly [name: string, text: string, message: RegExp])[] = [
    ['no JSON', '{"formatVersion":', /is not JSON/],
    ['not UTF-8', '', /is not JSON/],
    ['no object', '[]', /release\.json/],
    ['another format', change({ formatVersion: 2 }), /formatVersion/],
    ['a field that is not ours', change({ builtAt: 'now' }), /builtAt/],
    ['a field of a part that is not ours', change({ uki: { ...RELEASE.uki, url: 'x' } }), /uki/],
    ['a missing field', change({ init: undefined }), /init/],
    ['a name of two lines', change({ name: 'a\nefi /evil.efi' }), /name: must be one line/],
    ['a name that hides', change({ name: 'a\u202eb' }), /name/],
    ['a version that leaves its folder', change({ version: '../7' }), /version/],
    ['another file', change({ root: { ...RELEASE.root, file: '../root' } }), /root\.file/],
    ['a size of 0', change({ uki: { ...RELEASE.uki, size: 0 } }), /uki\.size/],
    ['a size that is no number', change({ slotSize: '2G' }), /slotSize/],
    ['a size beyond 2^53', change({ slotSize: 2 ** 60 }), /slotSize/],
    ['a digest of another kind', change({ image: { ...RELEASE.image, digest: 'md5:00' } }), /image\.digest/],
    ['a root hash in capitals', change({ root: { ...RELEASE.root, rootHash: 'A'.repeat(64) } }), /rootHash/],
    ['hashes before the data ends', change({ root: { ...RELEASE.root, hashOffset: 4096 } }), /hashOffset/],
    ['a root without its hashes', change({ root: { ...RELEASE.root, size: DATA_SIZE } }), /root\.size/],
    ['a root larger than its slot', change({ slotSize: 4096 }), /slotSize: must have room/],
    ['a command line of two lines', change({ commandLine: 'ro\nrw' }), /commandLine/],
    ['a source that is none', change({ image: { ...RELEASE.image, source: 'usb' } }), /image\.source/],
  ];
  for (const [name, text, message] of BAD) {
    test(name, () => {
      const bytes = name === 'not UTF-8' ? Uint8Array.of(0x22, 0xff, 0x22) : encode(text);
      assert.throws(() => parseRelease(bytes), isError('bad-release', message));
    });
  }

  test('one that is too long is not looked at', () => {
    assert.throws(() => parseRelease(new Uint8Array(RELEASE_LIMIT + 1)), isError('bad-release', /more than/));
  });
});

describe('what a release is called', () => {
  const DEBIAN = parseOsRelease(encode('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\n'));
  const ROLLING = parseOsRelease(encode('ID=arch\n'));

  function image(labels: Record<string, string> = {}): SourceImage {
    return {
      reference: { kind: 'tar', path: '/x' },
      digest: `sha256:0123456789${'a'.repeat(54)}`,
      labels: new Map(
        Object.entries(labels).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
      ),
    };
  }

  const VERSIONS = [
    ['as asked', image({ version: '2' }), DEBIAN, '1.0+x~rc1', '1.0+x~rc1'],
    ['by label', image({ version: '24.04' }), DEBIAN, undefined, '24.04'],
    [
      'not by a label that is no version',
      image({ version: 'main branch' }),
      DEBIAN,
      undefined,
      '13-01234567',
    ],
    ['by VERSION_ID and digest', image(), DEBIAN, undefined, '13-01234567'],
    ['by digest alone', image(), ROLLING, undefined, '01234567'],
  ] as const;
  for (const [name, source, osRelease, asked, version] of VERSIONS) {
    test(`version ${name}`, () => assert.equal(chooseVersion(source, osRelease, asked), version));
  }
  for (const version of ['', '../1', 'a b', 'v\n', 'x'.repeat(65), '-1']) {
    test(`no version: ${JSON.stringify(version)}`, () => {
      assert.throws(() => chooseVersion(image(), DEBIAN, version), isError('bad-option', /version/));
    });
  }

  test('name', () => {
    assert.equal(chooseName(image({ title: 'Mine' }), DEBIAN, 'Asked'), 'Asked');
    assert.equal(chooseName(image({ title: 'Mine' }), DEBIAN, undefined), 'Mine');
    assert.equal(chooseName(image({ title: 'two\nlines' }), DEBIAN, undefined), 'Debian GNU/Linux');
    assert.equal(chooseName(image(), ROLLING, undefined), 'arch');
    assert.throws(() => chooseName(image(), DEBIAN, 'two\nlines'), isError('bad-option', /named/));
  });

  test('where an image is from is told of registries only', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const local: readonly Reference[] = [
      { kind: 'oci-layout', path: '/home/me/x', tag: 'a' },
      { kind: 'oci-archive', path: '/home/me/x.tar' },
      { kind: 'docker-archive', path: '/home/me/x.tar' },
      { kind: 'directory', path: '/home/me' },
      { kind: 'tar', path: '/home/me' },
    ];
    for (const reference of local) {
      assert.deepEqual(describeImage({ reference, digest }), { source: reference.kind, digest });
    }
    assert.deepEqual(
      describeImage({
        reference: { kind: 'registry', registry: 'ghcr.io', repository: 'x/y', tag: 'z' },
        digest,
      }),
      { source: 'registry', reference: 'ghcr.io/x/y:z', digest },
    );
  });

  test('ids are the same for the same ingredients, and for no others', () => {
    assert.equal(chooseRootUuid(['a', undefined, 1]), chooseRootUuid(['a', undefined, 1]));
    assert.notEqual(chooseRootUuid(['a', 'b']), chooseRootUuid(['ab']));
    assert.notEqual(chooseRootUuid(['a', undefined]), chooseRootUuid(['a']));
  });
});

function isError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ReleaseError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
