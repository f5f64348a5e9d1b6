import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { memorySource } from '@cairn/bytes';
import { digestOf, hexOf } from '../src/digest.ts';
import { type OciErrorCode } from '../src/error.ts';
import { openImage } from '../src/image.ts';
import { parseReference } from '../src/reference.ts';
import {
  AMD64,
  dir,
  file,
  gzipLayer,
  leftovers,
  run,
  symlink,
  tarOf,
  writeImage,
  zstdLayer,
} from './images.ts';
import { BASE, layout, list, refuses, TOP, TREE } from './sources.ts';

test('an archive of a layout, compressed or not', async (t) => {
  const { folder, path, doors } = layout(t);
  writeImage(path, [gzipLayer(BASE), zstdLayer(TOP)], 'v1');
  for (const [name, flag] of Object.entries({
    'a.tar': '--format=gnu',
    'a.tar.gz': '--gzip',
    'a.tar.zst': '--zstd',
  })) {
    run('tar', '--create', flag, `--file=${folder}/${name}`, '-C', path, '.');
    assert.deepEqual(await list(`oci-archive:${folder}/${name}`, doors), TREE);
    assert.deepEqual(await list(`oci-archive:${folder}/${name}:v1`, doors), TREE);
    assert.deepEqual(leftovers(doors), { names: [], spools: 0 });
    await refuses(`oci-archive:${folder}/${name}:v2`, doors, 'tag-unknown', /there is "v1"/);
  }
  writeFileSync(`${folder}/none`, 'no tar');
  await refuses(`oci-archive:${folder}/none`, doors, 'invalid-layer', /^oci-archive:.*none: /);
});

/** A docker archive as `docker save` wrote it before version 25. */
async function savedTar(
  change: { config?: object; images?: unknown; extra?: Parameters<typeof tarOf>[0] } = {},
) {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [BASE, TOP, TOP].map((tar) => digestOf(tar)) },
    ...change.config,
  });
  const name = `${hexOf(digestOf(Buffer.from(config)))}.json`;
  const images = change.images ?? [
    {
      Config: name,
      RepoTags: ['debian:13', 'example.com/x:1'],
      Layers: ['1/layer.tar', '2/layer.tar', '3/layer.tar'],
    },
  ];
  return tarOf([
    dir('1'),
    { path: '1/layer.tar', kind: 'file', content: memorySource(BASE) },
    { path: '2/layer.tar', kind: 'file', content: memorySource(gzipSync(TOP)) },
    symlink('3/layer.tar', '../2/layer.tar'),
    symlink('9/layer.tar', '../../../../../../../../etc/passwd'),
    symlink('8/layer.tar', '../8/layer.tar'),
    file(name, config),
    file('manifest.json', JSON.stringify(images)),
    ...(change.extra ?? []),
  ]);
}

test('an archive of docker save', async (t) => {
  const { folder, doors } = layout(t);
  writeFileSync(`${folder}/a.tar`, await savedTar());
  writeFileSync(`${folder}/a.tgz`, gzipSync(await savedTar()));
  const digests = new Set<string>();
  for (const reference of [
    'a.tar',
    'a.tgz',
    'a.tar:debian:13',
    'a.tar:docker.io/library/debian:13',
    'a.tar:example.com/x:1',
  ]) {
    assert.deepEqual(await list(`docker-archive:${folder}/${reference}`, doors), TREE);
    await using image = await openImage(parseReference(`docker-archive:${folder}/${reference}`), doors, {
      platform: AMD64,
    });
    digests.add(image.digest);
    assert.equal(image.digest, digestOf(image.manifest ?? assert.fail()));
  }
  assert.equal(digests.size, 1);
  assert.deepEqual(leftovers(doors), { names: [], spools: 0 });
  await refuses(
    `docker-archive:${folder}/a.tar:debian:12`,
    doors,
    'tag-unknown',
    /there are "debian:13", "example.com\/x:1"/,
  );
});

test('what is wrong in an archive of docker save is said', async (t) => {
  const { folder, doors } = layout(t);
  const image = (change: object) => ({ Config: 'c.json', RepoTags: null, Layers: [], ...change });
  const one = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [digestOf(BASE)] },
  });
  const extra = [file('c.json', one)];
  const cases: readonly [Parameters<typeof savedTar>[0], OciErrorCode, RegExp][] = [
    [{ images: [] }, 'invalid-layout', /there is no image in it/],
    [{ images: {} }, 'invalid-manifest', /^manifest.json of docker-archive/],
    [{ images: [image({ Config: 5 })] }, 'invalid-manifest', /field \[0\].Config/],
    [{ images: [image({}), image({ RepoTags: ['b'] })] }, 'ambiguous', /several images: "b"/],
    [{ images: [image({ Config: 'none.json' })] }, 'invalid-layout', /"none.json" is not in it/],
    [{ images: [image({})], extra }, 'invalid-manifest', /is for 1 layers, the image has 0/],
    [
      { images: [image({ Layers: ['4/layer.tar'] })], extra },
      'invalid-layout',
      /"4\/layer.tar" is not in it/,
    ],
    [{ images: [image({ Layers: ['../../../etc/passwd'] })], extra }, 'invalid-layout', /is not in it/],
    [{ images: [image({ Layers: ['9/layer.tar'] })], extra }, 'invalid-layout', /is not in it/],
    [
      { images: [image({ Layers: ['8/layer.tar'] })], extra },
      'invalid-layout',
      /more than 40 symbolic links/,
    ],
    [{ images: [image({ Layers: ['1'] })], extra }, 'invalid-layout', /"1" is not a file/],
    [
      { images: [image({ Layers: ['c.json'] })], extra },
      'digest-mismatch',
      /^layer [0-9a-f]{12}: its bytes are wrong/,
    ],
    [
      { images: [image({ Config: `${'0'.repeat(64)}.json` })], extra: [file(`${'0'.repeat(64)}.json`, one)] },
      'digest-mismatch',
      /^the configuration of/,
    ],
    [
      { config: { architecture: 's390x' } },
      'platform-unknown',
      /is for linux\/s390x, wanted is linux\/amd64/,
    ],
  ];
  for (const [change, code, message] of cases) {
    writeFileSync(`${folder}/a.tar`, await savedTar(change));
    await refuses(`docker-archive:${folder}/a.tar`, doors, code, message);
  }
  writeFileSync(`${folder}/a.tar`, await tarOf([file('x')]));
  await refuses(
    `docker-archive:${folder}/a.tar`,
    doors,
    'invalid-layout',
    /is not a Docker archive: it has no manifest.json/,
  );
});
