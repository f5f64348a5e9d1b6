import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { memorySource } from '@cairn/bytes';
import { digestOf, hexOf } from '../src/digest.ts';
import { openImage } from '../src/image.ts';
import { openTree } from '../src/layer/open-tree.ts';
import {
  DOCKER_CONFIG,
  DOCKER_LAYER,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
} from '../src/media-types.ts';
import { parseReference } from '../src/reference.ts';
import type { Image, ImageDoors } from '../src/types.ts';
import { type ExtraLayer, type LayoutChanges, writeLayout } from '../src/write/layout.ts';
import {
  AMD64,
  blobsIn,
  dir,
  doorsIn,
  file,
  gzipLayer,
  hardlink,
  putImage,
  run,
  scratch,
  type TestLayer,
  tarOf,
  writeImage,
  writeIndex,
  zstdLayer,
} from './images.ts';
import { describeFolder, describeTree, listTree } from './trees.ts';

const BASE = await tarOf([dir('./'), dir('etc'), file('etc/x'), file('old')]);
const TOP = await tarOf([dir('./'), dir('etc'), hardlink('etc/y', 'etc/x'), file('.wh.old', '')]);

function extra({ blob, mediaType, diffId }: TestLayer): ExtraLayer {
  return {
    blob: memorySource(blob),
    mediaType,
    diffId,
    digest: digestOf(blob),
    size: blob.length,
    createdBy: 'cairn convert',
  };
}

async function open(reference: string, doors: ImageDoors): Promise<Image> {
  return openImage(parseReference(reference), doors, { platform: AMD64 });
}

function json(folder: string, path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, path), 'utf8'));
}

function blobJson(folder: string, digest: string): Record<string, unknown> {
  return json(folder, `blobs/sha256/${digest.replace('sha256:', '')}`);
}

/** Every file of a folder with its bytes. */
function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = names.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length), readFileSync(path, 'latin1')]));
}

function setUp(t: TestContext): { folder: string; base: string; doors: ImageDoors } {
  const folder = scratch(t);
  return { folder, base: join(folder, 'base'), doors: doorsIn(folder) };
}

const CHANGES: LayoutChanges = {
  extraLayers: [extra(gzipLayer(TOP))],
  labels: new Map([
    ['cairn.version', '1'],
    ['base', 'changed'],
  ]),
  tag: 'v1',
};

test('an image with one layer more, as umoci and skopeo see it', async (t) => {
  const { folder, base, doors } = setUp(t);
  writeImage(base, [zstdLayer(BASE), gzipLayer(await tarOf([dir('./'), file('b')]))]);
  const out = join(folder, 'out');
  await using image = await open(`oci:${base}`, doors);
  const seen: string[] = [];
  const written = await writeLayout(out, image, CHANGES, doors, {
    onProgress: ({ step, done, total }) => seen.push(`${step} ${done === total}`),
  });
  assert.deepEqual(seen, ['write true', 'write true', 'write true']);

  await using converted = await open(`oci:${out}:v1`, doors);
  assert.equal(converted.digest, written.digest);
  assert.deepEqual(
    converted.layers.map(({ digest }) => digest).slice(0, 2),
    image.layers.map(({ digest }) => digest),
  );
  assert.deepEqual(
    [...converted.config.labels],
    [
      ['base', 'changed'],
      ['cairn.version', '1'],
    ],
  );
  assert.deepEqual(converted.config.env, image.config.env);
  assert.deepEqual(converted.config.history.at(-1), {
    created: '1970-01-01T00:00:00Z',
    createdBy: 'cairn convert',
    emptyLayer: false,
  });
  await using tree = await openTree(converted);
  assert.deepEqual(await listTree(tree.root), ['b = b', 'etc/', 'etc/x = etc/x', 'etc/y == etc/x']);

  run('skopeo', 'copy', '--insecure-policy', `oci:${out}:v1`, `dir:${folder}/copied`);
  assert.equal(digestOf(readFileSync(`${folder}/copied/manifest.json`)), written.digest);
  const inspected = JSON.parse(run('skopeo', 'inspect', `oci:${out}:v1`));
  assert.deepEqual(inspected.Labels, { base: 'changed', 'cairn.version': '1' });
  // The umoci at hand knows no zstd.
  run(
    'skopeo',
    'copy',
    '--insecure-policy',
    '--dest-compress',
    '--dest-compress-format=gzip',
    `oci:${out}:v1`,
    `oci:${folder}/gzip:v1`,
  );
  const gzipped = `${folder}/gzip:v1`;
  run('umoci', 'stat', '--image', gzipped);
  run('umoci', 'raw', 'unpack', '--image', gzipped, `${folder}/rootfs`);
  assert.deepEqual(describeFolder(`${folder}/rootfs`), await describeTree(tree.root));
});

test('the same image and changes give the same bytes, of which the old layers are as they were', async (t) => {
  const { folder, base, doors } = setUp(t);
  const layer = gzipLayer(BASE);
  writeImage(base, [layer]);
  for (const name of ['one', 'two']) {
    await using image = await open(`oci:${base}`, doors);
    await writeLayout(join(folder, name), image, CHANGES, doors);
  }
  const files = filesIn(join(folder, 'one'));
  assert.deepEqual(filesIn(join(folder, 'two')), files);
  assert.equal(
    files[`/blobs/sha256/${hexOf(digestOf(layer.blob))}`],
    Buffer.from(layer.blob).toString('latin1'),
  );
  assert.deepEqual(Object.keys(files).length, 6);
  assert.deepEqual(readdirSync(folder).sort(), ['base', 'one', 'two']);
});

test('what is not known in a configuration stays, and its times too', async (t) => {
  const { folder, base, doors } = setUp(t);
  const config = {
    created: '2024-01-01T00:00:00Z',
    author: 'a',
    extra: { deep: [1] },
    config: { Cmd: ['x'], StopSignal: 'y' },
  };
  writeIndex(base, [
    putImage(blobsIn(base), [gzipLayer(BASE)], { config, manifest: { annotations: { a: 'b' } } }),
  ]);
  await using image = await open(`oci:${base}`, doors);
  const written = await writeLayout(join(folder, 'out'), image, CHANGES, doors);
  const manifest = blobJson(join(folder, 'out'), written.digest);
  assert.deepEqual(manifest['annotations'], { a: 'b' });
  const { digest } = manifest['config'] as { digest: string };
  const found = blobJson(join(folder, 'out'), digest);
  assert.deepEqual(found, {
    ...JSON.parse(Buffer.from(image.configBytes).toString()),
    config: { Cmd: ['x'], StopSignal: 'y', Labels: { 'cairn.version': '1', base: 'changed' } },
    rootfs: { type: 'layers', diff_ids: [digestOf(BASE), digestOf(TOP)] },
    history: [
      { created: '2024-01-01T00:00:00Z', created_by: 'step 0' },
      { created: '2024-01-01T00:00:00Z', created_by: 'cairn convert' },
    ],
  });
});

test('a history that is not complete is left as it is', async (t) => {
  const { folder, base, doors } = setUp(t);
  const histories: readonly [object[] | undefined, object[] | undefined][] = [
    [undefined, undefined],
    [[{ created_by: 'a', empty_layer: true }], [{ created_by: 'a', empty_layer: true }]],
    [
      [{ created_by: 'a', empty_layer: true }, {}],
      [
        { created_by: 'a', empty_layer: true },
        {},
        { created: '1970-01-01T00:00:00Z', created_by: 'cairn convert' },
      ],
    ],
  ];
  for (const [index, [history, expected]] of histories.entries()) {
    writeIndex(base, [putImage(blobsIn(base), [gzipLayer(BASE)], { config: { history } })]);
    await using image = await open(`oci:${base}`, doors);
    const out = join(folder, `out${index}`);
    const written = await writeLayout(out, image, CHANGES, doors);
    const { digest } = blobJson(out, written.digest)['config'] as { digest: string };
    assert.deepEqual(blobJson(out, digest)['history'], expected);
  }
});

test("an image of Docker's becomes one of OCI's", async (t) => {
  const { folder, base, doors } = setUp(t);
  const layer = gzipLayer(BASE);
  const put = blobsIn(base);
  const config = {
    mediaType: DOCKER_CONFIG,
    ...put(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      }),
    ),
  };
  const manifest = {
    mediaType: DOCKER_MANIFEST,
    config,
    layers: [{ mediaType: `${DOCKER_LAYER}.gzip`, ...put(layer.blob) }],
  };
  writeIndex(base, [{ ...putImage(put, [layer], { manifest }), mediaType: DOCKER_MANIFEST }]);
  await using image = await open(`oci:${base}`, doors);
  const written = await writeLayout(join(folder, 'out'), image, CHANGES, doors);
  const found = blobJson(join(folder, 'out'), written.digest) as {
    config: { mediaType: string };
    layers: { mediaType: string }[];
  };
  assert.equal(found.config.mediaType, OCI_CONFIG);
  assert.deepEqual(
    found.layers.map(({ mediaType }) => mediaType),
    [`${OCI_LAYER}+gzip`, `${OCI_LAYER}+gzip`],
  );
  run('umoci', 'raw', 'unpack', '--image', `${folder}/out:v1`, `${folder}/rootfs`);
});

test('a folder or a tar becomes an image', async (t) => {
  const { folder, doors } = setUp(t);
  mkdirSync(`${folder}/root`);
  writeFileSync(`${folder}/root/f`, 'text');
  writeFileSync(`${folder}/plain.tar`, BASE);
  writeFileSync(`${folder}/packed.tar`, gzipLayer(BASE).blob);
  const digests: string[] = [];
  for (const [index, reference] of [
    `dir:${folder}/root`,
    `tar:${folder}/plain.tar`,
    `tar:${folder}/packed.tar`,
  ].entries()) {
    await using image = await open(reference, doors);
    const out = `${folder}/out${index}`;
    const written = await writeLayout(out, image, { tag: 'v1' }, doors);
    digests.push(written.digest);
    assert.equal(json(out, 'index.json')['mediaType'], 'application/vnd.oci.image.index.v1+json');
    run('skopeo', 'inspect', `oci:${out}:v1`);
    run('umoci', 'raw', 'unpack', '--image', `${out}:v1`, `${folder}/rootfs${index}`);
    await using tree = await openTree(image);
    assert.deepEqual(await describeTree(tree.root), describeFolder(`${folder}/rootfs${index}`));
  }
  assert.equal(digests[1], digests[2]);
});

test('a folder that has something in it is not touched', async (t) => {
  const { folder, base, doors } = setUp(t);
  writeImage(base, [gzipLayer(BASE)]);
  await using image = await open(`oci:${base}`, doors);
  mkdirSync(`${folder}/empty`);
  assert.equal((await writeLayout(`${folder}/empty`, image, {}, doors)).mediaType, OCI_MANIFEST);
  writeFileSync(`${folder}/file`, 'x');
  for (const name of ['base', 'file']) {
    await assert.rejects(writeLayout(`${folder}/${name}`, image, {}, doors), {
      code: 'exists',
      message: /is there already/,
    });
  }
  assert.equal(readFileSync(`${folder}/file`, 'utf8'), 'x');
});

test('a failure leaves nothing behind', async (t) => {
  const { folder, base, doors } = setUp(t);
  writeImage(base, [gzipLayer(BASE)]);
  await using image = await open(`oci:${base}`, doors);
  const good = extra(gzipLayer(TOP));
  const stop = AbortSignal.abort(new Error('stop'));
  const failures: readonly [LayoutChanges, AbortSignal | undefined, RegExp][] = [
    [{ extraLayers: [{ ...good, size: good.size + 1 }] }, undefined, /^layer cairn convert: there are/],
    [
      { extraLayers: [{ ...good, digest: digestOf(TOP) }] },
      undefined,
      /^layer cairn convert: its bytes are wrong/,
    ],
    [CHANGES, stop, /stop/],
  ];
  for (const [changes, signal, message] of failures) {
    await assert.rejects(writeLayout(`${folder}/out`, image, changes, doors, { signal }), { message });
  }
  writeFileSync(join(base, 'blobs/sha256', hexOf(image.layers[0]?.digest ?? assert.fail())), 'changed');
  await assert.rejects(writeLayout(`${folder}/d`, image, CHANGES, doors), { code: 'size-mismatch' });
  assert.deepEqual(readdirSync(folder), ['base']);
});
