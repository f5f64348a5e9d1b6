import { join } from 'node:path';
import { sha256Hex } from '@cairn/bytes';
import { makePackageTree } from '@cairn/framework';
import { cacheFolder, type Host } from '@cairn/host';

/** Downloads and what is made of them; may be removed at any time. */
export const CACHE = cacheFolder(process.env);

/** A root file system made of Debian packages, as a base image would be by a Dockerfile. */
export interface ImageRecipe {
  readonly name: string;
  readonly suite: string;
  readonly packages: readonly string[];
  /** Shell commands with the tree as `$1`. */
  readonly hooks: readonly string[];
  /** Those that run before apt knows of any package. */
  readonly setupHooks?: readonly string[];
}

const BASE = [
  'linux-image-cloud-amd64',
  'udev',
  'kmod',
  'login',
  'passwd',
  'util-linux',
  'procps',
  'iproute2',
];
const SYSTEMD = ['systemd-sysv', 'dbus', ...BASE];

/** The initrd that the kernel's package made: Cairn brings its own. */
const WITHOUT_INITRD = 'rm -f "$1"/boot/initrd.img-* "$1"/initrd.img*';
const EMPTY_ROOT_PASSWORD = 'chroot "$1" passwd --delete root';
const HOSTNAME = 'echo cairn > "$1/etc/hostname"';
const COMMON = [EMPTY_ROOT_PASSWORD, HOSTNAME, WITHOUT_INITRD];

/** Files of every kind that must come through unchanged; tests look at them in the booted system. */
const SPECIAL_FILES = [
  'mkdir -p "$1/usr/share/cairn-test"',
  'cd "$1/usr/share/cairn-test" && cp /bin/true capable && setcap cap_net_raw,cap_net_admin+ep capable',
  'cd "$1/usr/share/cairn-test" && cp /bin/true setuid && chown 1234:4321 setuid && chmod 6755 setuid',
  'cd "$1/usr/share/cairn-test" && echo one > first && ln first second && ln -s second link',
  'cd "$1/usr/share/cairn-test" && truncate -s 64M sparse && printf end | dd of=sparse bs=1 seek=40000000 conv=notrunc status=none',
  'cd "$1/usr/share/cairn-test" && yes verified | head -c 4000000 > large',
];

const SERIAL_GETTY = 'echo "T0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100" >> "$1/etc/inittab"';

/** The source of trixie's packages, once more for its backports, which have newer ones. */
const WITH_BACKPORTS =
  'sed -n "s/^\\(deb .*\\) trixie main.*/\\1 trixie-backports main/p" "$1/etc/apt/sources.list" > "$1/etc/apt/sources.list.d/backports.list"';

export const IMAGES = {
  // dmsetup, with which tests make disks that fail.
  'debian-13': { suite: 'trixie', packages: [...SYSTEMD, 'dmsetup'], hooks: [...COMMON, ...SPECIAL_FILES] },
  'debian-13-newer': {
    suite: 'trixie',
    packages: [...SYSTEMD, 'linux-image-cloud-amd64/trixie-backports'],
    hooks: COMMON,
    setupHooks: [WITH_BACKPORTS],
  },
  'debian-12': { suite: 'bookworm', packages: SYSTEMD, hooks: COMMON },
  'debian-sid': { suite: 'sid', packages: SYSTEMD, hooks: COMMON },
  'debian-13-sysvinit': {
    suite: 'trixie',
    packages: ['sysvinit-core', 'sysv-rc', 'initscripts', 'insserv', 'startpar', ...BASE],
    hooks: [...COMMON, SERIAL_GETTY],
  },
} as const satisfies Record<string, Omit<ImageRecipe, 'name'>>;

export type ImageName = keyof typeof IMAGES;

/** The image as a tar file, made when it is not in the cache. The kernel's own initrd and the packages' lists are left out. */
export async function ensureImage(host: Host, name: ImageName, signal?: AbortSignal): Promise<string> {
  return ensureRecipe(host, { name, ...IMAGES[name] }, signal);
}

export async function ensureRecipe(host: Host, recipe: ImageRecipe, signal?: AbortSignal): Promise<string> {
  const folder = join(CACHE, 'images');
  const file = join(folder, `${recipe.name}-${sha256Hex(JSON.stringify(recipe)).slice(0, 12)}.tar`);
  if ((await host.files.stat(file)) !== undefined) return file;
  await host.files.makeDirectory(folder);
  const fresh = `${file}.${process.pid}.tar`;
  try {
    await makePackageTree(host, fresh, {
      suite: recipe.suite,
      packages: recipe.packages,
      variant: 'minbase',
      customizeHooks: recipe.hooks,
      ...(recipe.setupHooks === undefined ? {} : { setupHooks: recipe.setupHooks }),
      // A mirror may stand still for longer than sid's two weeks; signatures are checked all the same.
      aptOptions: ['Acquire::Check-Valid-Until "false"'],
      ...(signal === undefined ? {} : { signal }),
    });
    await host.files.rename(fresh, file);
  } finally {
    await host.files.remove(fresh);
  }
  return file;
}
