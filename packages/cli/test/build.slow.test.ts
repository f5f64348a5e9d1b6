import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sha256Hex } from '@cairn/bytes';
import { startRegistry } from '@cairn/testkit';
import { makeDirectory, makeFile, place } from '@cairn/tree';
import { addKernel, convertedTree, FRAMEWORK, sampleTree, VERSION } from '../../release/test/sample.ts';
import {
  cairn,
  eventsOf,
  type Outcome,
  scratchFolder,
  tarOf,
  writeFramework,
  writeSample,
} from './support.ts';

function succeeded(outcome: Outcome): Outcome {
  assert.equal(outcome.exitCode, 0, outcome.stderr || outcome.stdout);
  return outcome;
}

test('an image that is not converted becomes a release with two disks, and says how to boot it', async (context) => {
  const folder = scratchFolder(context);
  const [image, framework] = [await writeSample(folder), await writeFramework(folder)];
  const out = join(folder, 'out');
  const options = [
    '--format',
    'qcow2,raw',
    '--slot-size',
    '64M',
    '--disk-size',
    '2G',
    '--cmdline',
    'console=ttyS0',
  ];
  const { stdout, stderr } = succeeded(
    await cairn([
      'build',
      `tar:${image}`,
      '-o',
      out,
      '--framework',
      framework,
      '--version',
      '1.4',
      ...options,
    ]),
  );
  assert.deepEqual(readdirSync(folder).sort(), ['layer.tar.zst', 'out', 'sample.tar']);
  assert.deepEqual(readdirSync(out).sort(), [
    'disk.qcow2',
    'disk.raw',
    'release.json',
    'root.erofs',
    'sbom.spdx.json',
    'uki.efi',
  ]);
  const release = JSON.parse(readFileSync(join(out, 'release.json'), 'utf8')) as {
    version: string;
    commandLine: string;
    root: { rootHash: string };
  };
  assert.equal(release.version, '1.4');
  assert.match(release.commandLine, / console=ttyS0$/);
  assert.ok(stdout.includes(release.root.rootHash));
  assert.match(stdout, /Sample OS 1\.4 is in .*, made in [0-9.]+ s/);
  assert.match(stdout, /qemu-system-x86_64 .*disk\.qcow2/);
  for (const phase of ['unpack', 'framework', 'root', 'uki', 'sbom']) {
    assert.match(stderr, new RegExp(`^${phase} +.*[0-9.]+ s`, 'm'));
  }
  assert.match(stderr, /^cairn: warning: no package database was found/m);
  execFileSync('qemu-img', [
    'compare',
    '-f',
    'qcow2',
    '-F',
    'raw',
    join(out, 'disk.qcow2'),
    join(out, 'disk.raw'),
  ]);

  assert.match(succeeded(await cairn(['release', 'verify', out])).stdout, /out is whole\n/);
  const inspected = succeeded(await cairn(['release', 'inspect', out])).stdout;
  assert.match(inspected, new RegExp(`root hash: +${release.root.rootHash}`));
});

test('an ISO with a configuration, along with a release or with a disk', async (context) => {
  const folder = scratchFolder(context);
  const [image, framework] = [await writeSample(folder), await writeFramework(folder)];
  const config = join(folder, 'node.yaml');
  writeFileSync(config, '#cloud-config\nhostname: näher\n');
  const build = (out: string, ...args: string[]) =>
    cairn(['build', `tar:${image}`, '-o', join(folder, out), '--framework', framework, ...args]);
  const { stdout } = succeeded(await build('a', '--format', 'iso', '--config', config, '--slot-size', '64M'));
  assert.match(stdout, /disk\.iso +boots by UEFI, from a CD or a USB stick/);
  assert.match(stdout, /qemu-system-x86_64 .* -cdrom .*a\/disk\.iso/);
  const both = await build(
    'b',
    '--format',
    'raw,iso',
    '--config',
    config,
    '--disk-size',
    '2G',
    '--slot-size',
    '64M',
    '--json',
  );
  assert.deepEqual(eventsOf(succeeded(both)).at(-1)?.['disks'], ['disk.raw', 'disk.iso']);
  const [alone, along] = ['a', 'b'].map((name) => readFileSync(join(folder, name, 'disk.iso')));
  assert.ok(alone !== undefined && along !== undefined && alone.equals(along));
  const inside = execFileSync('bsdtar', ['-x', '-O', '-f', join(folder, 'a/disk.iso'), 'cairn/config.yaml']);
  assert.deepEqual(inside, readFileSync(config));

  writeFileSync(config, Uint8Array.of(0x61, 0xff));
  const cases: readonly (readonly [string, RegExp])[] = [
    [config, /the configuration is not UTF-8 text/],
    [join(folder, 'none.yaml'), /there is no configuration .*none\.yaml/],
    [join(folder, 'a/disk.iso'), /disk\.iso/],
  ];
  for (const [path, message] of cases) {
    const outcome = await build('c', '--format', 'iso', '--config', path);
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.stderr, message);
    assert.equal(existsSync(join(folder, 'c')), false);
  }
});

test('convert and build give what build alone gives', async (context) => {
  const folder = scratchFolder(context);
  const [image, framework] = [await writeSample(folder), await writeFramework(folder)];
  const layout = `oci:${folder}/layout:v1`;
  const converted = succeeded(
    await cairn(['convert', `tar:${image}`, '-o', layout, '--framework', framework, '--json']),
  );
  const result = eventsOf(converted).at(-1);
  assert.equal(result?.['event'], 'result');
  assert.equal(result?.['tag'], 'v1');
  assert.deepEqual(result?.['framework'], FRAMEWORK);
  const index = JSON.parse(readFileSync(join(folder, 'layout/index.json'), 'utf8')) as {
    manifests: { digest: string }[];
  };
  assert.equal(result?.['digest'], index.manifests[0]?.digest);

  const list = async (name: string) =>
    eventsOf(succeeded(await cairn(['image', 'ls', '-R', '--json', name]))).at(-1)?.['items'];
  succeeded(await cairn(['build', layout, '-o', join(folder, 'a'), '--quiet']));
  succeeded(await cairn(['build', `tar:${image}`, '-o', join(folder, 'b'), '--framework', framework, '-q']));
  assert.deepEqual(await list(join(folder, 'a')), await list(join(folder, 'b/root.erofs')));

  const again = await cairn(['convert', layout, '-o', `oci:${folder}/again`, '--framework', framework]);
  assert.equal(again.exitCode, 1);
  assert.match(again.stderr, /has the framework layer 0\.1\.0 already\nhint: .*--force/);
  assert.equal(existsSync(join(folder, 'again')), false);
  succeeded(
    await cairn(['convert', layout, '-o', `oci:${folder}/again`, '--framework', framework, '--force']),
  );
  const taken = await cairn([
    'convert',
    layout,
    '-o',
    `oci:${folder}/again`,
    '--framework',
    framework,
    '--force',
  ]);
  assert.match(taken.stderr, /again is there already/);
});

test('events: every phase begins and ends, and the last event is the result', async (context) => {
  const folder = scratchFolder(context);
  const [image, framework] = [await writeSample(folder), await writeFramework(folder)];
  const out = join(folder, 'out');
  const environment = { CAIRN_FRAMEWORK: framework };
  const outcome = succeeded(await cairn(['build', `tar:${image}`, '-o', out, '--json'], { environment }));
  assert.equal(outcome.stderr, '');
  const events = eventsOf(outcome);
  const states = events.filter(({ event }) => event === 'progress');
  const phases = states.filter(({ state }) => state === 'begin').map(({ phase }) => phase);
  assert.deepEqual(phases, ['unpack', 'framework', 'inspect', 'root', 'uki', 'sbom', 'finish']);
  assert.deepEqual(
    states.filter(({ state }) => state === 'end').map(({ phase }) => phase),
    phases,
  );
  const rootEnd = states.find(({ phase, state }) => phase === 'root' && state === 'end');
  assert.equal(rootEnd?.['done'], rootEnd?.['total']);
  const result = events.at(-1);
  assert.equal(result?.['event'], 'result');
  assert.equal(result?.['command'], 'build');
  assert.equal(result?.['folder'], out);
  assert.deepEqual(result?.['release'], JSON.parse(readFileSync(join(out, 'release.json'), 'utf8')));
  assert.deepEqual(
    events.filter(({ event }) => event === 'warning').map(({ message }) => message),
    ['no package database was found: neither of dpkg, nor of apk, nor of rpm'],
  );
});

test('what a build needs and does not have', async (context) => {
  const folder = scratchFolder(context);
  const [image, framework] = [await writeSample(folder), await writeFramework(folder)];
  const out = join(folder, 'out');
  const bare = makeDirectory();
  place(bare, '/etc/motd', makeFile('hello'));
  const empty = join(folder, 'empty.tar');
  writeFileSync(empty, await tarOf(bare));
  const foreign = join(folder, 'foreign');
  execFileSync('mkdir', [foreign]);
  writeFileSync(join(foreign, 'diary'), 'mine');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      [`tar:${image}`, '-o', out, '--framework', `${folder}/none`],
      /no framework layer at .*none\nhint: .*npm run/,
    ],
    [[`tar:${image}`, '-o', out, '--framework', empty], /empty\.tar is not a framework layer\nhint: /],
    [[`tar:${empty}`, '-o', out, '--framework', framework], /the image has no init/],
    [
      [`tar:${image}`, '-o', out, '--framework', framework, '--kernel-version', '1'],
      /has no kernel 1\nhint: It has/,
    ],
    [[`tar:${image}`, '-o', out, '--framework', framework, '--slot-size', '1M'], /does not fit a slot/],
    [
      [`tar:${image}`, '-o', foreign, '--framework', framework],
      /foreign is there already and is not a release/,
    ],
    [
      [`tar:${image}`, '-o', out, '--framework', framework, '--platform', 'linux/arm64'],
      /framework layer .* is for amd64, the image for arm64/,
    ],
  ];
  for (const [args, message] of cases) {
    const { exitCode, stderr, stdout } = await cairn(['build', ...args, '-q']);
    assert.equal(exitCode, 1, stdout);
    assert.match(stderr, message);
    assert.equal(existsSync(out), false);
  }
  assert.deepEqual(readdirSync(foreign), ['diary']);
  assert.deepEqual(readdirSync(folder).sort(), ['empty.tar', 'foreign', 'layer.tar.zst', 'sample.tar']);
});

test('a release that was changed does not verify', async (context) => {
  const folder = scratchFolder(context);
  const [image, framework] = [await writeSample(folder), await writeFramework(folder)];
  const out = join(folder, 'out');
  succeeded(await cairn(['build', `tar:${image}`, '-o', out, '--framework', framework, '-q']));
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['root.erofs', 300_000, /root\.erofs: data block 73, at byte 299008, is not what it was/],
    ['uki.efi', 70_000, /uki\.efi has the SHA-256 [0-9a-f]{64}, the release says/],
    ['sbom.spdx.json', 20, /sbom\.spdx\.json has the SHA-256/],
  ];
  for (const [file, position, message] of cases) {
    const path = join(out, file);
    const bytes = readFileSync(path);
    const changed = Uint8Array.from(bytes);
    changed[position] = (changed[position] ?? 0) ^ 1;
    writeFileSync(path, changed);
    const { exitCode, stderr } = await cairn(['release', 'verify', out, '-q']);
    assert.equal(exitCode, 1);
    assert.match(stderr, message);
    assert.match(stderr, /\nhint: It was changed or damaged/);
    writeFileSync(path, bytes);
  }
  const description = join(out, 'release.json');
  const text = readFileSync(description, 'utf8');
  writeFileSync(description, text.replace('systemd.verity=no', 'systemd.verity=on'));
  assert.match((await cairn(['release', 'verify', out, '-q'])).stderr, /its command line is another/);
});

test('the kernel can come from another image', async (context) => {
  const folder = scratchFolder(context);
  const framework = await writeFramework(folder);
  const bare = sampleTree();
  for (const path of ['boot', 'usr/lib/modules']) {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let directory = bare;
    for (const name of names) directory = directory.entries.get(name) as typeof bare;
    directory.entries.delete(last);
  }
  const image = join(folder, 'bare.tar');
  writeFileSync(image, await tarOf(bare));
  const kernelTree = makeDirectory();
  addKernel(kernelTree, '6.99.0-other');
  const kernel = join(folder, 'kernel.tar');
  writeFileSync(kernel, await tarOf(kernelTree));
  const out = join(folder, 'out');
  const missing = await cairn(['build', `tar:${image}`, '-o', out, '--framework', framework, '-q']);
  assert.match(missing.stderr, /has no kernel .*\nhint: .*--kernel IMAGE/);
  const args = [
    'build',
    `tar:${image}`,
    '-o',
    out,
    '--framework',
    framework,
    '--kernel',
    `tar:${kernel}`,
    '--json',
  ];
  const result = eventsOf(succeeded(await cairn(args))).at(-1)?.['release'] as {
    kernel: { version: string };
  };
  assert.equal(result.kernel.version, '6.99.0-other');
});

test('images from a registry: kept in the cache, or not at all; mirrors; plain http only where asked for', async (context) => {
  const folder = scratchFolder(context);
  const tar = await tarOf(convertedTree());
  const layer = gzipSync(tar, { level: 1 });
  const config = {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256Hex(tar)}`] },
  };
  await using registry = await startRegistry();
  registry.putImage('my/os', '1', { layers: [layer], config });
  const name = `${registry.host}/my/os:1`;
  const cache = join(folder, 'cache');
  const environment = { CAIRN_CACHE: cache };
  const read = (...args: string[]) =>
    cairn(['image', 'cat', name, '/etc/os-release', ...args], { environment });

  assert.equal((await read()).exitCode, 1);
  const uncached = succeeded(await read('--plain-http', registry.host, '--no-cache'));
  assert.match(uncached.stdout, /^ID=sample$/m);
  assert.match(uncached.stderr, /^pull /m);
  assert.equal(existsSync(join(cache, 'blobs')), false);
  assert.deepEqual(readdirSync(join(cache, 'work')), []);

  registry.forgetRequests();
  succeeded(await read('--plain-http', registry.host));
  succeeded(await read('--plain-http', registry.host));
  assert.equal(registry.served(/blobs\/sha256/).requests, 2, 'configuration and layer, once each');

  const byMirror = [
    'image',
    'inspect',
    'nowhere.invalid/my/os:1',
    '--mirror',
    `nowhere.invalid=${registry.url}`,
  ];
  const inspected = eventsOf(succeeded(await cairn([...byMirror, '--json'], { environment }))).at(-1);
  assert.equal(inspected?.['platform'], 'linux/amd64');
  assert.equal(inspected?.['size'], layer.length);

  const out = join(folder, 'out');
  const built = await cairn(['build', name, '-o', out, '--plain-http', registry.host, '--json'], {
    environment,
  });
  const { release } = eventsOf(succeeded(built)).at(-1) as { release: { image: { reference: string } } };
  assert.equal(release.image.reference, name);
  const system = await cairn(['image', 'inspect', '--system', name, '--plain-http', registry.host], {
    environment,
  });
  assert.match(succeeded(system).stdout, new RegExp(`kernel: +${VERSION}`));
});
