import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOf } from '@cairn/oci';
import type { Release } from '@cairn/release';
import { makeFile, place } from '@cairn/tree';
import {
  cairn,
  eventsOf,
  scratchFolder,
  tarOf,
  writeFramework,
  writeSample,
} from '../../packages/cli/test/support.ts';
import {
  blobsIn,
  tarOf as entriesTar,
  file,
  gzipLayer,
  hardlink,
  plainLayer,
  putImage,
  symlink,
  type TestLayer,
  writeImage,
  writeIndex,
} from '../../packages/oci/test/images.ts';
import { addKernel, fakeProgram, sampleTree } from '../../packages/release/test/sample.ts';
import { bomb, sampleWith, without, writeKernelImage } from './images.ts';

/** What a person does wrong, or an image has wrong, and what they are told. */
interface Mistake {
  readonly name: string;
  /** Makes what the command reads in the folder, and gives the image, with more arguments for `cairn build`. */
  readonly given: (folder: string) => Promise<readonly string[]> | readonly string[];
  readonly exitCode?: 1 | 2;
  /** Paths in the folder are written with `@/`, and the digests of blobs as `<blob>`. */
  readonly message: string;
  readonly hint?: string;
}

const KERNEL_HINT =
  "Install the distribution's kernel package in the Dockerfile, or take kernel and modules from another image: `--kernel IMAGE`.";
const INIT_HINT =
  'Install one in the Dockerfile: `systemd-sysv` (Debian, Ubuntu), `systemd` (Fedora, SUSE), `openrc` (Alpine).';

const IMAGES: readonly Mistake[] = [
  {
    name: 'no kernel',
    given: async (folder) => [
      `tar:${await sampleWith(folder, (root) => without(root, '/boot', '/usr/lib/modules'))}`,
    ],
    message: 'the image has no kernel in /boot or /usr/lib/modules',
    hint: KERNEL_HINT,
  },
  {
    name: 'modules without their kernel',
    given: async (folder) => [`tar:${await sampleWith(folder, (root) => without(root, '/boot'))}`],
    message: 'the image has no kernel in /boot or /usr/lib/modules, only modules of 6.12.9-test-amd64',
    hint: KERNEL_HINT,
  },
  {
    name: 'a kernel without its modules',
    given: async (folder) => [`tar:${await sampleWith(folder, (root) => without(root, '/usr/lib/modules'))}`],
    message:
      'the kernel /boot/vmlinuz-6.12.9-test-amd64 has no modules in /usr/lib/modules/6.12.9-test-amd64',
    hint: "Install the kernel with its modules' package in the Dockerfile, or take both from another image: `--kernel IMAGE`.",
  },
  {
    name: 'two kernels',
    given: async (folder) => [`tar:${await sampleWith(folder, (root) => addKernel(root, '6.99.0-other'))}`],
    message: 'the image has 2 kernels: 6.12.9-test-amd64, 6.99.0-other',
    hint: 'Remove all but one in the Dockerfile, or say which: `--kernel-version VERSION`.',
  },
  {
    name: 'no init',
    given: async (folder) => [
      `tar:${await sampleWith(folder, (root) => without(root, '/usr/sbin/init', '/usr/lib/systemd/systemd'))}`,
    ],
    message: 'the image has no init: there is no program at /sbin/init',
    hint: INIT_HINT,
  },
  {
    name: 'programs for another architecture',
    given: async (folder) => [
      `tar:${await sampleWith(folder, (root) => place(root, '/usr/lib/systemd/systemd', makeFile(fakeProgram(183), { mode: 0o755 })))}`,
    ],
    message: 'the image is for arm64, asked for is amd64',
    hint: 'Name an image that is for amd64, or ask for arm64.',
  },
  {
    name: 'an image for another architecture only',
    async given(folder) {
      const layout = join(folder, 'layout');
      const platform = { os: 'linux', architecture: 'arm64' };
      writeIndex(layout, [
        putImage(blobsIn(layout), [plainLayer(await tarOf(sampleTree()))], { config: platform, platform }),
      ]);
      return [`oci:${layout}`];
    },
    message: 'oci:@/layout has no image for linux/amd64; it has linux/arm64',
    hint: 'choose one of these, or an image that is built for this platform',
  },
  {
    name: 'a root that does not fit its slot',
    given: async (folder) => [`tar:${await writeSample(folder)}`, '--slot-size', '1M'],
    message: 'the root has 1.7 MiB and does not fit a slot of 1.0 MiB',
    hint: 'Take a larger slot, `--slot-size 64M`, or a smaller image.',
  },
  {
    name: 'a disk that has no room for all slots',
    given: async (folder) => [`tar:${await writeSample(folder)}`, '--format', 'raw', '--disk-size', '2G'],
    message: 'the partitions of a node need 7.3 GiB, a disk of 2.0 GiB has no room for them',
    hint: 'Take a larger disk, `--disk-size 7490M` or more, or smaller slots.',
  },
  {
    name: 'a kernel image without a kernel',
    given: async (folder) => [
      `tar:${await writeSample(folder)}`,
      '--kernel',
      `oci:${await writeKernelImage(folder)}`,
    ],
    message: 'the image given for its kernel has none',
  },
  {
    name: 'a kernel image with two',
    given: async (folder) => [
      `tar:${await writeSample(folder)}`,
      '--kernel',
      `oci:${await writeKernelImage(folder, '6.1.0-a', '6.2.0-b')}`,
    ],
    message: 'the image given for its kernel has 2: 6.1.0-a, 6.2.0-b',
    hint: 'Say which: `--kernel-version VERSION`.',
  },
];

/** An image of the sample and one more layer, in a layout. */
async function layered(folder: string, top: TestLayer): Promise<readonly string[]> {
  writeImage(join(folder, 'layout'), [plainLayer(await tarOf(sampleTree())), top]);
  return [`oci:${folder}/layout`];
}

const LAYERS: readonly Mistake[] = [
  {
    name: 'an entry that climbs out of the root',
    given: async (folder) => layered(folder, gzipLayer(await entriesTar([file('usr/../../../etc/passwd')]))),
    message: 'layer <blob>: entry "usr/../../../etc/passwd" has a name that climbs out of the root',
  },
  {
    name: 'a hard link that climbs out of the root',
    given: async (folder) =>
      layered(folder, gzipLayer(await entriesTar([hardlink('shadow', '../etc/shadow')]))),
    message: 'layer <blob>: entry "shadow" has a link target that climbs out of the root',
  },
  {
    name: 'a hard link to nothing',
    given: async (folder) => layered(folder, gzipLayer(await entriesTar([hardlink('a', 'b')]))),
    message: 'layer <blob>: entry "a" is a hard link to "b", which is not there',
  },
  {
    name: 'a loop of links',
    given: async (folder) =>
      layered(folder, gzipLayer(await entriesTar([symlink('a', 'b'), symlink('b', '/a'), file('a/etc/x')]))),
    message: 'layer <blob>: entry "a/etc/x" is reached by a loop of links: "a" is one of them',
  },
  {
    name: 'a bomb',
    given: (folder) =>
      layered(folder, {
        blob: bomb(),
        mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
        diffId: digestOf(new Uint8Array()),
      }),
    message: 'layer <blob>: 34.3 KiB of it unpack to more than 1.0 GiB, which only a decompression bomb does',
  },
  {
    name: 'a blob that was cut off',
    async given(folder) {
      const layer = gzipLayer(await entriesTar([file('etc/x')]));
      const args = await layered(folder, layer);
      truncateSync(join(folder, 'layout/blobs/sha256', digestOf(layer.blob).slice(7)), 50);
      return args;
    },
    message: 'layer <blob>: there are 50 bytes, it must have 91',
  },
  {
    name: 'a blob of which one bit is another',
    async given(folder) {
      const layer = gzipLayer(await entriesTar([file('etc/x')]));
      const args = await layered(folder, layer);
      const changed = Uint8Array.from(layer.blob, (byte, index) => (index === 60 ? byte ^ 1 : byte));
      writeFileSync(join(folder, 'layout/blobs/sha256', digestOf(layer.blob).slice(7)), changed);
      return args;
    },
    message: 'layer <blob>: its bytes are wrong, their digest is sha256:<digest>',
    hint: 'they were changed on the way or where they are kept',
  },
  {
    name: 'a blob that is not there',
    async given(folder) {
      const layer = gzipLayer(await entriesTar([file('etc/x')]));
      const args = await layered(folder, layer);
      rmSync(join(folder, 'layout/blobs/sha256', digestOf(layer.blob).slice(7)));
      return args;
    },
    message: 'oci:@/layout: blob sha256:<digest> is not there',
    hint: 'the copy is not complete; make it again',
  },
  {
    name: 'a gzip stream that was corrupt when its digest was taken',
    async given(folder) {
      const { blob, ...layer } = gzipLayer(await entriesTar([file('etc/x')]));
      return layered(folder, { ...layer, blob: blob.subarray(0, blob.length - 20) });
    },
    message: 'layer <blob>: its gzip stream is corrupt: unexpected end of file',
  },
  {
    name: 'a layer that is not what the configuration says',
    async given(folder) {
      const layer = gzipLayer(await entriesTar([file('etc/x')]));
      return layered(folder, { ...layer, diffId: digestOf(new Uint8Array(1)) });
    },
    message:
      "layer <blob>: its unpacked bytes have the digest sha256:<digest>, the image's configuration says sha256:<digest>",
    hint: 'the image was not built as it says; build or pull it again',
  },
  {
    name: 'a tar that ends in the middle of a file',
    async given(folder) {
      const path = await writeSample(folder);
      truncateSync(path, 1_000_000);
      return [`tar:${path}`];
    },
    message:
      'layer sample.tar: "usr/share/big" (header at byte 115200): its 1500000 bytes start at byte 116736, the archive ends at 1000000',
  },
  {
    name: 'a tar.gz that ends in the middle',
    async given(folder) {
      const path = join(folder, 'image.tar.gz');
      const packed = gzipSync(await tarOf(sampleTree()));
      writeFileSync(path, packed.subarray(0, packed.length / 2));
      return [`tar:${path}`];
    },
    message: 'tar:@/image.tar.gz: its gzip stream is corrupt: unexpected end of file',
  },
  {
    name: 'a compression that is not read',
    given: (folder) => layered(folder, plainLayer(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0))),
    message: 'layer <blob> is compressed with xz',
    hint: 'unpack it with unxz, or compress it with gzip or zstd',
  },
];

const COMMAND_LINES: readonly Mistake[] = [
  {
    name: 'a name in upper case',
    given: () => ['Debian:13'],
    exitCode: 2,
    message: '"Debian:13" is not an image reference: the name has the upper case letter D (character 1)',
    hint: 'write it as debian:13',
  },
  {
    name: 'a layout without its path',
    given: () => ['oci:'],
    exitCode: 2,
    message: '"oci:" is not an image reference: a path must follow "oci:" (character 5)',
    hint: 'Name an image like debian:13, or say where it is: oci:DIR, dir:ROOTFS, tar:FILE.',
  },
  {
    name: 'an option that there is not',
    given: () => ['debian:13', '--formatt', 'raw'],
    exitCode: 2,
    message: "unknown option '--formatt'",
    hint: 'Did you mean --format?',
  },
  {
    name: 'a disk format that there is not',
    given: () => ['debian:13', '--format', 'vhd'],
    exitCode: 2,
    message: '"vhd" is not a disk format',
    hint: 'There are raw, qcow2 and iso.',
  },
  {
    name: 'a size without its unit',
    given: () => ['debian:13', '--format', 'raw', '--disk-size', '20'],
    exitCode: 2,
    message: '"20" is not a size',
    hint: 'Write a whole number with K, M, G or T, each being 1024 of the one before: 512M, 10G.',
  },
  {
    name: 'an image that is not there',
    given: (folder) => [`oci:${folder}/nowhere`],
    message: 'oci:@/nowhere is not an OCI image layout: it has no index.json',
  },
  {
    name: 'a tag that is not there',
    async given(folder) {
      await layered(folder, plainLayer(await entriesTar([])));
      return [`oci:${folder}/layout:other`];
    },
    message: 'oci:@/layout:other: there is no image "other"; there is "latest"',
  },
  {
    name: 'a kernel argument that is the release’s own',
    given: async (folder) => [`tar:${await writeSample(folder)}`, '--cmdline', 'roothash=0'],
    message: 'the kernel argument roothash=0 is not yours to set',
    hint: 'The root and how it is verified belong to the release; leave the argument out.',
  },
  {
    name: 'a framework that is not there',
    given: async (folder) => [`tar:${await writeSample(folder)}`, '--framework', join(folder, 'none')],
    message: 'there is no framework layer at @/none',
    hint: 'Make it with `npm run framework`, or name one: --framework FILE, or CAIRN_FRAMEWORK=FILE.',
  },
  {
    name: 'an output that is something else',
    async given(folder) {
      mkdirSync(join(folder, 'out'));
      writeFileSync(join(folder, 'out/diary'), 'mine');
      return [`tar:${await writeSample(folder)}`];
    },
    message: '@/out is there already and is not a release: it has diary in it',
    hint: 'Only a release is replaced. Name another folder, or remove this one.',
  },
];

/** A message as the tables have it. */
function general(message: string, folder: string): string {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const blobs = paths.filter((path) => path.includes('/blobs/')).map((path) => basename(path));
  return message
    .replaceAll(`${folder}/`, '@/')
    .replaceAll(/layer ([0-9a-f]{12})(?=:| is )/g, (text, name: string) =>
      blobs.some((blob) => blob.startsWith(name)) ? 'layer <blob>' : text,
    )
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<digest>');
}

for (const { name, given, exitCode = 1, message, hint } of [...IMAGES, ...LAYERS, ...COMMAND_LINES]) {
  test(`build: ${name}`, async (context) => {
    const folder = scratchFolder(context);
    const environment = {
      CAIRN_CACHE: join(folder, 'cache'),
      CAIRN_FRAMEWORK: await writeFramework(folder),
    };
    const args = await given(folder);
    const before = readdirSync(folder, { recursive: true });
    const outcome = await cairn(['build', '--output', join(folder, 'out'), '--quiet', ...args], {
      environment,
    });
    const said = [`cairn: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`]), ''];
    assert.deepEqual(general(outcome.stderr, folder).split('\n'), said);
    assert.equal(outcome.stdout, '');
    assert.equal(outcome.exitCode, exitCode);
    assert.deepEqual(readdirSync(folder, { recursive: true }), before, 'something was left behind');
  });
}

test('build: kernel and modules come from another image, in a layout', async (context) => {
  const folder = scratchFolder(context);
  const image = await sampleWith(folder, (root) => without(root, '/boot', '/usr/lib/modules'));
  const kernel = await writeKernelImage(folder, '6.99.0-other');
  const out = join(folder, 'out');
  const args = ['build', `tar:${image}`, '--kernel', `oci:${kernel}`, '--output', out, '--json'];
  const outcome = await cairn(args, { environment: { CAIRN_FRAMEWORK: await writeFramework(folder) } });
  assert.equal(outcome.exitCode, 0, outcome.stdout);
  const { release } = eventsOf(outcome).at(-1) as { release: Release };
  assert.equal(release.kernel.version, '6.99.0-other');
  assert.equal(release.kernel.image?.source, 'oci-layout');
  assert.match(release.kernel.image.digest, /^sha256:[0-9a-f]{64}$/);
  const files = await cairn(['image', 'ls', '-R', out]);
  assert.match(files.stdout, /^\/?boot\/vmlinuz-6\.99\.0-other$/m);
  assert.match(files.stdout, /^\/?usr\/lib\/modules\/6\.99\.0-other\/modules\.dep$/m);
});
