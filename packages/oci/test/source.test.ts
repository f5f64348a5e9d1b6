import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import { digestOf, hexOf } from '../src/digest.ts';
import { type OciErrorCode } from '../src/error.ts';
import { openImage } from '../src/image.ts';
import { OCI_INDEX } from '../src/media-types.ts';
import { parseReference, type RegistryReference } from '../src/reference.ts';
import { type ImageRegistry } from '../src/types.ts';
import {
  AMD64,
  blobsIn,
  type DescriptorJson,
  file,
  gzipLayer,
  leftovers,
  plainLayer,
  putImage,
  tagged,
  tarOf,
  writeImage,
  writeIndex,
  zstdLayer,
} from './images.ts';
import { BASE, layout, list, refuses, TOP, TREE } from './sources.ts';

test('a layout with layers of every kind', async (t) => {
  const { path, doors } = layout(t);
  writeImage(path, [gzipLayer(BASE), zstdLayer(TOP), plainLayer(await tarOf([file('z')]))]);
  assert.deepEqual(await list(`oci:${path}`, doors), [...TREE, 'z = z']);
  assert.deepEqual(await list(`oci:${path}:latest`, doors), [...TREE, 'z = z']);
  assert.deepEqual(leftovers(doors), { names: [], spools: 0 });
});

test('what an image says of itself', async (t) => {
  const { path, doors } = layout(t);
  const manifest = putImage(blobsIn(path), [gzipLayer(BASE)], {
    manifest: { annotations: { 'org.opencontainers.image.title': 't' } },
  });
  writeIndex(path, [manifest]);
  const seen: string[] = [];
  await using image = await openImage(parseReference(`oci:${path}`), doors, {
    platform: AMD64,
    name: 'mine',
  });
  assert.equal(image.name, 'mine');
  assert.equal(image.digest, manifest.digest);
  assert.equal(digestOf(image.manifest ?? assert.fail()), manifest.digest);
  assert.deepEqual([...image.annotations], [['org.opencontainers.image.title', 't']]);
  assert.deepEqual([...image.config.labels], [['base', 'yes']]);
  assert.deepEqual(image.config.env, ['PATH=/bin']);
  const [layer] = image.layers;
  assert.ok(layer);
  assert.equal(layer.diffId, digestOf(BASE));
  assert.equal(layer.name, hexOf(layer.digest).slice(0, 12));
  await using tar = await layer.open({
    onProgress: ({ step, name, done, total }) => seen.push([step, name, done, total].join(' ')),
  });
  assert.equal(tar.size, BASE.length);
  assert.deepEqual(seen, [`unpack ${layer.name} ${layer.size} ${layer.size}`]);
});

test('an image is found through indexes, three deep and no more', async (t) => {
  const { path, doors } = layout(t);
  const put = blobsIn(path);
  const nest = (manifest: DescriptorJson): DescriptorJson => ({
    mediaType: OCI_INDEX,
    ...put(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [manifest] })),
  });
  let descriptor = putImage(put, [gzipLayer(BASE)]);
  for (let depth = 1; depth <= 3; depth++) {
    descriptor = nest(descriptor);
    writeIndex(path, [descriptor]);
    assert.equal((await list(`oci:${path}`, doors)).length, 3);
  }
  writeIndex(path, [nest(descriptor)]);
  await refuses(`oci:${path}`, doors, 'invalid-manifest', /more than 3 indexes/);
});

test('an image is chosen by its tag and platform', async (t) => {
  const { path, doors } = layout(t);
  const put = blobsIn(path);
  const image = async (name: string, more: Parameters<typeof putImage>[2] = {}) =>
    putImage(put, [plainLayer(await tarOf([file(name)]))], more);
  const containerd = {
    'org.opencontainers.image.ref.name': '13',
    'io.containerd.image.name': 'docker.io/library/debian:13',
  };
  const arm64 = { os: 'linux', architecture: 'arm64' };
  writeIndex(path, [
    tagged(await image('a'), 'one'),
    tagged(await image('b'), 'two'),
    await image('c', { annotations: containerd }),
    tagged(await image('d', { platform: arm64, config: arm64 }), 'two'),
    tagged(await image('e', { platform: null }), 'three'),
    tagged(await image('f', { platform: arm64, config: arm64 }), 'four'),
    tagged(await image('g', { platform: null, config: arm64 }), 'five'),
  ]);
  for (const [tag, name] of Object.entries({ one: 'a', two: 'b', '13': 'c', 'debian:13': 'c', three: 'e' })) {
    assert.deepEqual(await list(`oci:${path}:${tag}`, doors), [`${name} = ${name}`]);
  }
  await refuses(
    `oci:${path}`,
    doors,
    'ambiguous',
    /there are several images; there are "one", "two", "13", "three"/,
  );
  await refuses(`oci:${path}:six`, doors, 'tag-unknown', /there is no image "six"; there are "one"/);
  await refuses(
    `oci:${path}:four`,
    doors,
    'platform-unknown',
    /no image for linux\/amd64; it has linux\/arm64$/,
  );
  await refuses(
    `oci:${path}:five`,
    doors,
    'platform-unknown',
    /is for linux\/arm64, wanted is linux\/amd64$/,
  );
});

test('an image under two names is one image', async (t) => {
  const { path, doors } = layout(t);
  const image = putImage(blobsIn(path), [plainLayer(BASE)]);
  writeIndex(path, [tagged(image, 'one'), tagged(image, 'two')]);
  assert.equal((await list(`oci:${path}`, doors)).length, 3);
});

test('what is wrong in a layout is said', async (t) => {
  const { folder, path, doors } = layout(t);
  const reference = `oci:${path}`;
  const layer = gzipLayer(BASE);
  const blob = join(path, 'blobs/sha256', hexOf(digestOf(layer.blob)));
  const fresh = () => {
    rmSync(path, { recursive: true, force: true });
    writeImage(path, [layer]);
  };
  const cases: readonly [() => void, OciErrorCode, RegExp][] = [
    [
      () => rmSync(join(path, 'index.json')),
      'invalid-layout',
      /is not an OCI image layout: it has no index.json/,
    ],
    [() => rmSync(path, { recursive: true }), 'invalid-layout', /is not an OCI image layout/],
    [
      () => writeFileSync(join(path, 'index.json'), '{'),
      'invalid-manifest',
      /^index.json of oci:.* is not JSON/,
    ],
    [
      () => writeFileSync(join(path, 'index.json'), ' '.repeat(5 << 20)),
      'too-large',
      /index.json has 5242880 bytes/,
    ],
    [
      () => writeFileSync(join(path, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      'unsupported',
      /version "2.0.0", not 1/,
    ],
    [
      () => writeFileSync(join(path, 'oci-layout'), '{}'),
      'invalid-manifest',
      /oci-layout of .*imageLayoutVersion/,
    ],
    [() => writeIndex(path, []), 'platform-unknown', /it has none/],
    [() => rmSync(blob), 'blob-unknown', /blob sha256:.* is not there/],
    [() => truncateSync(blob, layer.blob.length - 1), 'size-mismatch', /^layer [0-9a-f]{12}: there are/],
    [
      () => writeFileSync(blob, Buffer.alloc(layer.blob.length)),
      'digest-mismatch',
      /^layer [0-9a-f]{12}: its bytes are wrong/,
    ],
    [
      () => writeIndex(path, [{ ...putImage(blobsIn(path), [layer]), size: 1 }]),
      'size-mismatch',
      /^manifest [0-9a-f]{12} of oci:/,
    ],
    [
      () => writeIndex(path, [{ ...putImage(blobsIn(path), [layer]), size: 1e9 }]),
      'too-large',
      /has 1000000000 bytes, more than/,
    ],
    [
      () => {
        renameSync(blob, join(folder, 'elsewhere'));
        symlinkSync(join(folder, 'elsewhere'), blob);
      },
      'invalid-layout',
      /is a link, which an image layout must not have/,
    ],
    [
      () => {
        renameSync(join(path, 'blobs'), join(folder, 'blobs'));
        symlinkSync('../blobs', join(path, 'blobs'));
      },
      'invalid-layout',
      /blobs is a link/,
    ],
    [
      () => {
        rmSync(join(folder, 'blobs'), { recursive: true });
        rmSync(join(path, 'index.json'));
        symlinkSync('/etc/passwd', join(path, 'index.json'));
      },
      'invalid-layout',
      /index.json is a link/,
    ],
    [
      () => {
        rmSync(blob);
        mkdirSync(blob);
      },
      'invalid-layout',
      /is of the wrong kind/,
    ],
  ];
  for (const [change, code, message] of cases) {
    fresh();
    change();
    await refuses(reference, doors, code, message);
  }
});

test('one bad layer of several leaves nothing behind', async (t) => {
  const { path, doors } = layout(t);
  const layers = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => gzipLayer(await tarOf([file(name)]))),
  );
  const [bad] = layers.splice(2, 1);
  assert.ok(bad);
  writeImage(path, [...layers, { ...bad, diffId: digestOf(BASE) }]);
  await refuses(`oci:${path}`, doors, 'digest-mismatch', /its unpacked bytes have the digest/);
});

/** A registry that serves a layout's folder. */
function fakeRegistry(root: DescriptorJson, blobs: ReadonlyMap<string, Uint8Array>): ImageRegistry {
  const bytesOf = (digest: string) => blobs.get(digest) ?? assert.fail(digest);
  return {
    async manifest(reference: RegistryReference) {
      const digest = reference.digest ?? digestOf(bytesOf(root.digest));
      const { mediaType } = JSON.parse(Buffer.from(bytesOf(digest)).toString());
      return { bytes: bytesOf(digest), mediaType, digest };
    },
    async blob(_, { digest }, { onProgress }) {
      const bytes = bytesOf(digest);
      onProgress?.(bytes.length);
      return { ...memorySource(bytes), async [Symbol.asyncDispose]() {} };
    },
  };
}

test('an image of a registry, and every lie of a registry', async (t) => {
  const { doors } = layout(t);
  const blobs = new Map<string, Uint8Array>();
  const put = (given: Uint8Array | string) => {
    const bytes = typeof given === 'string' ? Buffer.from(given) : given;
    blobs.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const layer = gzipLayer(BASE);
  const manifest = putImage(put, [layer]);
  const index = {
    mediaType: OCI_INDEX,
    ...put(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [manifest] })),
  };
  const registry = fakeRegistry(index, blobs);
  assert.equal((await list('example.com/x:1', { ...doors, registry })).length, 3);
  assert.equal((await list(`example.com/x:1@${index.digest}`, { ...doors, registry })).length, 3);

  for (const digest of blobs.keys()) {
    const changed = new Map(blobs);
    const bytes = Buffer.from(blobs.get(digest) ?? '');
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    changed.set(digest, bytes);
    const lying = { ...doors, registry: fakeRegistry(index, changed) };
    await refuses(`example.com/x@${index.digest}`, lying, 'digest-mismatch', /digest/);
  }
  await refuses('example.com/x', doors, 'unsupported', /does not use registries/);
});
