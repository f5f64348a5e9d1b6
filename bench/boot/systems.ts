import { join } from 'node:path';
import { copy, sha256Hex, sliceSource } from '@cairn/bytes';
import { readUki } from '@cairn/disk';
import { buildFramework } from '@cairn/framework';
import { type Host, runChecked } from '@cairn/host';
import { diskFileName, RELEASE_FILES } from '@cairn/release';
import { cairn, SERIAL_CONSOLE } from '../../e2e/support/build.ts';
import { CACHE, ensureRecipe, IMAGES, type ImageRecipe } from '../../e2e/support/images.ts';
import { BENCH_CACHE, removeKept, say } from '../support/setup.ts';

/** A system to boot without firmware and loader. */
export interface System {
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  /** Raw. */
  readonly disk: string;
}

/** What the guest says on its console when it is up, by a unit that comes after multi-user.target on both sides. */
export const UP_MESSAGE = 'bench: multi-user';

const UP_UNIT = [
  '[Unit]',
  'Description=Benchmark: this boot is up',
  'After=multi-user.target',
  '[Service]',
  'Type=oneshot',
  `ExecStart=/bin/sh -c "echo ${UP_MESSAGE} >/dev/kmsg"`,
  '[Install]',
  'WantedBy=multi-user.target',
];

const FSTAB = '/dev/vda / ext4 errors=remount-ro 0 1';

/**
 * Debian 13 as its own installer leaves it, as far as a boot's speed goes: ext4 with its checker, an initrd by initramfs-tools
 * compressed by zstd, with busybox. Both systems are made of this one tar; Cairn's ignores fstab and initrd.
 */
const RECIPE: ImageRecipe = {
  name: 'bench-boot',
  suite: IMAGES['debian-13'].suite,
  packages: [...IMAGES['debian-13'].packages, 'initramfs-tools', 'e2fsprogs', 'zstd', 'busybox'],
  hooks: [
    'chroot "$1" passwd --delete root',
    'echo cairn > "$1/etc/hostname"',
    `echo "${FSTAB}" > "$1/etc/fstab"`,
    `printf '%s\\n' ${UP_UNIT.map((line) => `'${line}'`).join(' ')} > "$1/etc/systemd/system/bench-up.service"`,
    'chroot "$1" systemctl enable bench-up.service',
    // It looks into fstab for which checker is needed.
    'chroot "$1" update-initramfs -u',
  ],
};

const PLAIN_DISK_SIZE = 4 * 2 ** 30;

/** Both systems, made when they are not in the cache. Needs root. */
export async function ensureSystems(
  host: Host,
  signal: AbortSignal,
): Promise<readonly [cairn: System, plain: System]> {
  const tar = await ensureRecipe(host, RECIPE, signal);
  return [await ensureCairn(host, tar, signal), await ensurePlain(host, tar, signal)];
}

async function ensureCairn(host: Host, tar: string, signal: AbortSignal): Promise<System> {
  const { files } = host;
  const framework = await buildFramework(host, { cacheFolder: join(CACHE, 'framework'), signal });
  const folder = join(BENCH_CACHE, `cairn-${sha256Hex(`${tar}\n${framework.digest}`).slice(0, 12)}`);
  const system = {
    name: 'Cairn',
    kernel: join(folder, 'linux'),
    initrd: join(folder, 'initrd'),
    disk: join(folder, diskFileName('raw')),
  };
  const commandLineFile = join(folder, 'cmdline');
  if ((await files.stat(commandLineFile)) === undefined) {
    say('building the Cairn system');
    await removeKept(host, 'cairn-');
    await files.makeDirectory(BENCH_CACHE);
    const options = ['--format', 'raw', '--cmdline', SERIAL_CONSOLE, '--framework', framework.layerFile];
    await cairn(host, ['build', `tar:${tar}`, '-o', folder, ...options], signal);
    const uki = join(folder, RELEASE_FILES.uki);
    await takeSection(host, uki, '.linux', system.kernel, signal);
    await takeSection(host, uki, '.initrd', system.initrd, signal);
    await takeSection(host, uki, '.cmdline', commandLineFile, signal);
  }
  return { ...system, commandLine: (await files.readText(commandLineFile)) ?? '' };
}

/** Takes out of a UKI what its stub would start. */
async function takeSection(
  { files }: Host,
  ukiFile: string,
  name: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  await using uki = await files.open(ukiFile, 'read');
  const section = (await readUki(uki, { signal })).sections.find((each) => each.name === name);
  if (section === undefined) throw new TypeError(`${ukiFile} has no section ${name}`);
  await using file = await files.open(to, 'create');
  await copy(sliceSource(uki, section.offset, section.size), file, signal);
}

async function ensurePlain(host: Host, tar: string, signal: AbortSignal): Promise<System> {
  const { files, programs } = host;
  const folder = join(BENCH_CACHE, `plain-${sha256Hex(`${tar}\n${FSTAB}`).slice(0, 12)}`);
  const system = {
    name: 'plain Debian on ext4',
    kernel: join(folder, 'linux'),
    initrd: join(folder, 'initrd'),
    disk: join(folder, 'disk.raw'),
    commandLine: `root=/dev/vda ro ${SERIAL_CONSOLE}`,
  };
  if ((await files.stat(folder)) !== undefined) return system;
  say('making the plain system');
  await removeKept(host, 'plain-');
  const fresh = `${folder}.new`;
  const tree = join(fresh, 'tree');
  await files.remove(fresh);
  try {
    await files.makeDirectory(tree);
    const unpack = ['tar', '--extract', '--numeric-owner', '--preserve-permissions'];
    const xattrs = ['--xattrs', '--xattrs-include=*'];
    await runChecked(programs, [...unpack, ...xattrs, `--file=${tar}`, `--directory=${tree}`], { signal });
    for (const [target, prefix] of [
      ['linux', 'vmlinuz-'],
      ['initrd', 'initrd.img-'],
    ] as const) {
      const name = (await files.list(join(tree, 'boot'))).find((each) => each.startsWith(prefix));
      if (name === undefined) throw new TypeError(`the image has no /boot/${prefix}*`);
      await runChecked(programs, ['cp', join(tree, 'boot', name), join(fresh, target)], { signal });
    }
    const disk = join(fresh, 'disk.raw');
    await runChecked(programs, ['truncate', `--size=${PLAIN_DISK_SIZE}`, disk], { signal });
    // Nothing is left for the kernel to do behind the back of the boots that count.
    const complete = ['-E', 'lazy_itable_init=0,lazy_journal_init=0'];
    await runChecked(programs, ['mkfs.ext4', '-q', ...complete, '-d', tree, disk], { signal });
    await files.remove(tree);
    await files.rename(fresh, folder);
  } finally {
    await files.remove(fresh);
  }
  return system;
}
