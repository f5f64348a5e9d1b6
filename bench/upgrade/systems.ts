import { join } from 'node:path';
import { sha256Hex } from '@cairn/bytes';
import { buildFramework } from '@cairn/framework';
import { type Host, runChecked } from '@cairn/host';
import { diskFileName, RELEASE_FILES } from '@cairn/release';
import { cairn, SERIAL_CONSOLE } from '../../e2e/support/build.ts';
import { CACHE, ensureRecipe, IMAGES, type ImageRecipe } from '../../e2e/support/images.ts';
import { addedVersion, FILLER_SIZE, type ImageSize, writeImage } from '../build/image.ts';
import { BENCH_CACHE, removeKept, say } from '../support/setup.ts';

/** What a node is upgraded from and to. */
export interface UpgradeSystem {
  readonly size: ImageSize;
  /** Raw, with the release that runs. */
  readonly disk: string;
  /** Raw, ext4, with the new one: the image as an OCI layout, and the release that `cairn build` makes of it. */
  readonly carrier: string;
  /** Of root.erofs without its hash tree. */
  readonly rootBytes: number;
  /** Of all the image's layers, compressed. */
  readonly layerBytes: number;
}

/** Folders on the carrier. */
export const LAYOUT = 'image';
export const RELEASE = 'release';

const OLD = 'old';

/** Debian 13 with what Kairos' way needs in the guest, and GNU time to measure both. */
const RECIPE: ImageRecipe = {
  name: 'bench-upgrade',
  suite: IMAGES['debian-13'].suite,
  packages: [...IMAGES['debian-13'].packages, 'e2fsprogs', 'zstd', 'time'],
  hooks: [
    'chroot "$1" passwd --delete root',
    'echo cairn > "$1/etc/hostname"',
    'rm -f "$1"/boot/initrd.img-* "$1"/initrd.img*',
  ],
};

/** Room for both ways on the persistent partition: a whole root beside two images, or an image unpacked and rendered. */
const DISK_SIZE = '32G';
const CARRIER_SIZE = '8G';

/** Both releases and the disks, made when they are not in the cache. Needs root. */
export async function ensureUpgradeSystem(
  host: Host,
  size: ImageSize,
  signal: AbortSignal,
): Promise<UpgradeSystem> {
  const { files } = host;
  const base = await ensureRecipe(host, RECIPE, signal);
  const framework = await buildFramework(host, { cacheFolder: join(CACHE, 'framework'), signal });
  const key = sha256Hex([base, framework.digest, addedVersion(size), DISK_SIZE].join('\n')).slice(0, 12);
  const folder = join(BENCH_CACHE, `upgrade-${size}-${key}`);
  const facts = join(folder, 'system.json');
  if ((await files.stat(facts)) === undefined) {
    say(`making the ${size} image, its releases and disks`);
    await removeKept(host, `upgrade-${size}-`);
    await files.makeDirectory(folder);
    await makeSystem(host, { base, layer: framework.layerFile, folder, size, signal });
  }
  const { rootBytes, layerBytes } = JSON.parse((await files.readText(facts)) ?? '') as UpgradeSystem;
  return {
    size,
    disk: join(folder, OLD, diskFileName('raw')),
    carrier: join(folder, 'carrier.raw'),
    rootBytes,
    layerBytes,
  };
}

interface Making {
  readonly base: string;
  readonly layer: string;
  readonly folder: string;
  readonly size: ImageSize;
  readonly signal: AbortSignal;
}

async function makeSystem(host: Host, { base, layer, folder, size, signal }: Making): Promise<void> {
  const { files, programs } = host;
  const run = (...argv: readonly string[]) => runChecked(programs, argv, { signal });
  const tree = join(folder, 'carried');
  const tar = join(folder, 'root.tar');
  await files.makeDirectory(tree);
  await writeImage(host, [base], FILLER_SIZE[size], tar, signal);
  const framework = ['--framework', layer];
  const plain = join(folder, 'plain');
  await cairn(host, ['convert', `tar:${tar}`, '--output', `oci:${plain}`, ...framework], signal);
  const layout = join(tree, LAYOUT);
  // Compresses by gzip what is not compressed: as registries have it.
  await run('skopeo', 'copy', '--quiet', `oci:${plain}`, `oci:${layout}`);
  await files.remove(plain);
  const build = (image: string, out: string, ...more: readonly string[]) =>
    cairn(host, ['build', image, '--output', out, '--cmdline', SERIAL_CONSOLE, ...more], signal);
  // Of the tar, not of the layout: a node is not upgraded to the image that it runs.
  const old = join(folder, OLD);
  const media = ['--format', 'raw', '--disk-size', DISK_SIZE];
  await build(`tar:${tar}`, old, '--version', '1', ...media, ...framework);
  const release = join(tree, RELEASE);
  await build(`oci:${layout}`, release, '--version', '2');
  await files.remove(tar);
  const carrier = join(folder, 'carrier.raw');
  await run('truncate', `--size=${CARRIER_SIZE}`, carrier);
  await run('mkfs.ext4', '-q', '-d', tree, carrier);
  const rootBytes = (await files.stat(join(release, RELEASE_FILES.root)))?.size;
  const layerBytes = await sizeOf(host, join(layout, 'blobs/sha256'));
  await files.remove(tree);
  for (const name of Object.values(RELEASE_FILES)) await files.remove(join(old, name));
  await files.write(join(folder, 'system.json'), JSON.stringify({ rootBytes, layerBytes }));
}

/** Of the blobs: configuration and manifest are a few hundred bytes of it. */
async function sizeOf({ files }: Host, folder: string): Promise<number> {
  let total = 0;
  for (const name of await files.list(folder)) total += (await files.stat(join(folder, name)))?.size ?? 0;
  return total;
}
