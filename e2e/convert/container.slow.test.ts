import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { realHost } from '@cairn/host';
import { openImage, openTree, parseReference } from '@cairn/oci';
import { cairn, scratchFolder, tarOf, writeFramework } from '../../packages/cli/test/support.ts';
import {
  AMD64,
  blobsIn,
  dir,
  doorsIn,
  file,
  gzipLayer,
  hardlink,
  plainLayer,
  putImage,
  run,
  tagged,
  tarOf as tarOfEntries,
  writeIndex,
  zstdLayer,
} from '../../packages/oci/test/images.ts';
import { type Description, describeFolder, describeTree } from '../../packages/oci/test/trees.ts';
import { sampleTree } from '../../packages/release/test/sample.ts';
import { readRootContent } from '../support/root.ts';

/** What an image says of how it is run as a container: a node has no use for it, and it must not be lost. */
const CONFIG = {
  Entrypoint: ['/usr/sbin/init'],
  Cmd: ['--log-level=info'],
  Env: ['PATH=/usr/sbin:/usr/bin', 'LANG=C.UTF-8'],
  WorkingDir: '/root',
  User: '0:0',
  ExposedPorts: { '22/tcp': {} },
  StopSignal: 'SIGRTMIN+3',
  Labels: { 'org.opencontainers.image.version': '1.4', vendor: 'someone' },
};

const CAPABILITY = new Map([
  ['security.capability', Uint8Array.fromHex('0100000200200000000000000000000000000000')],
]);

/** An ordinary image of three layers, each packed in another way. */
async function writeContainerImage(layout: string): Promise<void> {
  const change = [
    dir('srv/app'),
    file('srv/app/data', 'one'),
    hardlink('srv/app/more', 'srv/app/data'),
    file('srv/app/ping', 'ping', { mode: 0o755, xattrs: CAPABILITY }),
  ];
  const removal = [file('usr/share/.wh.big', ''), file('srv/app/data', 'two')];
  const layers = [
    gzipLayer(await tarOf(sampleTree())),
    zstdLayer(await tarOfEntries(change)),
    plainLayer(await tarOfEntries(removal)),
  ];
  writeIndex(layout, [tagged(putImage(blobsIn(layout), layers, { config: { config: CONFIG } }), 'v1')]);
}

interface Converted {
  readonly folder: string;
  readonly original: string;
  readonly converted: string;
  readonly framework: string;
}

async function convert(folder: string): Promise<Converted> {
  const framework = await writeFramework(folder);
  await writeContainerImage(join(folder, 'original'));
  const [original, converted] = [`oci:${folder}/original:v1`, `oci:${folder}/converted:v1`];
  const args = ['convert', original, '--output', converted, '--framework', framework, '--quiet'];
  const { exitCode, stderr } = await cairn(args);
  assert.equal(exitCode, 0, stderr);
  return { folder, original, converted, framework };
}

async function filesOf(reference: string, folder: string): Promise<Description> {
  await using image = await openImage(parseReference(reference), doorsIn(folder), { platform: AMD64 });
  await using tree = await openTree(image);
  return await describeTree(tree.root);
}

/** Where a layer has no entry for a folder, umoci gives it the time of its unpacking. */
function withoutFolderTimes(files: Description): Description {
  const lines = Object.entries(files).map(([path, line]) => [
    path,
    line.replace(/^(directory \d+ \d+:\d+) \d+/, '$1'),
  ]);
  return Object.fromEntries(lines);
}

/** What `skopeo inspect` says, as far as it is looked at. */
interface Inspected {
  readonly Layers: readonly string[];
  readonly Env: readonly string[];
}

/** An image's configuration (OCI image specification, config.md). */
interface Config {
  readonly config: { readonly Labels: Readonly<Record<string, string>> };
  readonly history: readonly { readonly created_by: string }[];
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

function inspect(image: string): Inspected {
  return JSON.parse(run('skopeo', 'inspect', image)) as Inspected;
}

function configOf(image: string): Config {
  return JSON.parse(run('skopeo', 'inspect', '--config', image)) as Config;
}

test('skopeo inspects a converted image: the layers of the original and one more, all of its configuration', async (context) => {
  const { original, converted, framework } = await convert(scratchFolder(context));
  const layers = inspect(original).Layers;
  const after = inspect(converted);
  assert.deepEqual(after.Layers, [...layers, `sha256:${run('sha256sum', framework).slice(0, 64)}`]);
  assert.deepEqual(after.Env, CONFIG.Env);

  const given = configOf(original);
  const extended = configOf(converted);
  const labels = { 'cairn.framework.version': '0.1.0', 'cairn.framework.digest': 'f'.repeat(64) };
  assert.deepEqual(extended.config, { ...given.config, Labels: { ...CONFIG.Labels, ...labels } });
  assert.deepEqual(given.config, CONFIG);
  assert.deepEqual(extended.history.slice(0, -1), given.history);
  assert.equal(extended.history.at(-1)?.created_by, 'cairn convert (framework 0.1.0)');
  assert.deepEqual(extended.rootfs.diff_ids.slice(0, -1), given.rootfs.diff_ids);
});

test('skopeo copies a converted image to every form, and umoci unpacks its files', async (context) => {
  const { folder, original, converted } = await convert(scratchFolder(context));
  const files = await filesOf(converted, folder);
  const own = Object.fromEntries(
    Object.entries(files).filter(([path]) => !path.startsWith('/usr/lib/cairn')),
  );
  const before = await filesOf(original, folder);
  assert.deepEqual(own, before);
  assert.match(before['/srv/app/ping'] ?? '', /security\.capability/);
  assert.equal('/usr/share/big' in before, false);

  // Docker's own formats, and this umoci, have no zstd: skopeo changes that on the way.
  const gzip = `oci:${folder}/gzip:v1`;
  const copies: readonly (readonly [from: string, to: string, ...flags: string[]])[] = [
    [converted, `oci-archive:${folder}/archive.tar:v1`],
    [converted, gzip, '--dest-compress', '--dest-compress-format=gzip'],
    [gzip, `docker-archive:${folder}/docker.tar:example.com/os:v1`],
  ];
  for (const [from, to, ...flags] of copies) {
    run('skopeo', 'copy', '--insecure-policy', ...flags, from, to);
    assert.deepEqual(await filesOf(to, folder), files, to);
  }
  run('umoci', 'unpack', '--image', `${folder}/gzip:v1`, join(folder, 'bundle'));
  assert.deepEqual(
    withoutFolderTimes(describeFolder(join(folder, 'bundle/rootfs'))),
    withoutFolderTimes(files),
  );
  const bundle = readFileSync(join(folder, 'bundle/config.json'), 'utf8');
  const { process } = JSON.parse(bundle) as { process: { args: readonly string[] } };
  assert.deepEqual(process.args, [...CONFIG.Entrypoint, ...CONFIG.Cmd]);
});
test('a converted image gives the root that its original gives when it is converted on the way', async (context) => {
  const { folder, original, converted, framework } = await convert(scratchFolder(context));
  for (const [name, image] of Object.entries({ ahead: converted, onTheWay: original })) {
    const out = join(folder, name);
    const outcome = await cairn(['build', image, '--output', out, '--framework', framework, '--quiet']);
    assert.equal(outcome.exitCode, 0, outcome.stderr);
  }
  const { files } = realHost();
  // Their ids differ, since they are two images with a digest each.
  assert.deepEqual(
    await readRootContent(files, join(folder, 'ahead')),
    await readRootContent(files, join(folder, 'onTheWay')),
  );
});
