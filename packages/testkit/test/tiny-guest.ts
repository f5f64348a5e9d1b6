import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** A kernel of Debian's and an initrd of busybox: boots to a login prompt in seconds. */
export interface TinyGuest {
  readonly kernel: string;
  readonly initrd: string;
}

const run = promisify(execFile);

/** In the order in which they need each other. */
const MODULES = [
  'virtio/virtio_ring',
  'virtio/virtio',
  'virtio/virtio_pci_modern_dev',
  'virtio/virtio_pci_legacy_dev',
  'virtio/virtio_pci',
  'block/virtio_blk',
  'char/virtio_console',
];

const INITTAB = `\
::sysinit:/etc/rc
ttyS0::respawn:/bin/getty -L 115200 ttyS0 vt100
::ctrlaltdel:/bin/reboot
`;

/**
 * On the kernel's command line, `noport` leaves out the module of the virtio-serial port, and `withpassword`
 * gives root one.
 */
const RC = `\
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /run /tmp
mount -t tmpfs run /run
for module in ${MODULES.map((path) => path.split('/')[1]).join(' ')}; do
  if [ $module = virtio_console ] && grep -q noport /proc/cmdline; then continue; fi
  insmod /modules/$module.ko
done
hostname tiny
if grep -q withpassword /proc/cmdline; then
  sed -i "s|^root::|root:$(mkpasswd -m md5 secret):|" /etc/passwd
fi
echo "tiny guest is up"
`;

const FILES: Readonly<Record<string, string>> = {
  'etc/inittab': INITTAB,
  'etc/rc': RC,
  'etc/passwd': 'root::0:0:root:/root:/bin/sh\n',
  'etc/group': 'root:x:0:\n',
};

/** Makes the guest, or takes it from the cache, where it stays for as long as its recipe is the same. */
export async function tinyGuest(cacheFolder: string): Promise<TinyGuest> {
  const packages = ['busybox-static', await newestKernelPackage()];
  const recipe = createHash('sha256')
    .update(JSON.stringify([packages, MODULES, FILES]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder, `tiny-guest-${recipe}`);
  const guest = { kernel: join(folder, 'kernel'), initrd: join(folder, 'initrd') };
  if ((await stat(folder).catch(() => undefined)) !== undefined) return guest;
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    const unpacked = await unpackPackages(packages, work);
    await buildInitrd(unpacked, join(work, 'tree'), join(work, 'initrd'));
    await cp(await kernelIn(unpacked), join(work, 'kernel'));
    for (const scratch of ['tree', 'unpacked', 'packages'])
      await rm(join(work, scratch), { recursive: true });
    // Somebody else may have made it at the same time: theirs is as good.
    await rename(work, folder).catch(() => undefined);
    return guest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function newestKernelPackage(): Promise<string> {
  const { stdout } = await run('apt-cache', ['depends', 'linux-image-cloud-amd64']);
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name === undefined) throw new Error(`apt-cache knows no kernel: ${stdout}`);
  return name;
}

async function unpackPackages(packages: readonly string[], work: string): Promise<string> {
  const downloads = join(work, 'packages');
  const unpacked = join(work, 'unpacked');
  await mkdir(downloads);
  await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...packages], { cwd: downloads });
  for (const file of await readdir(downloads)) await run('dpkg-deb', ['-x', join(downloads, file), unpacked]);
  return unpacked;
}

async function kernelIn(unpacked: string): Promise<string> {
  const name = (await readdir(join(unpacked, 'boot'))).find((file) => file.startsWith('vmlinuz-'));
  if (name === undefined) throw new Error('the kernel package has no kernel');
  return join(unpacked, 'boot', name);
}

async function buildInitrd(unpacked: string, tree: string, initrd: string): Promise<void> {
  for (const folder of ['bin', 'dev', 'etc', 'modules', 'proc', 'root', 'sys']) {
    await mkdir(join(tree, folder), { recursive: true });
  }
  const release = (await kernelIn(unpacked)).replace(/^.*vmlinuz-/, '');
  const drivers = join(unpacked, 'lib/modules', release, 'kernel/drivers');
  for (const path of MODULES) {
    await cp(join(drivers, `${path}.ko`), join(tree, 'modules', `${path.split('/')[1]}.ko`));
  }
  await cp(join(unpacked, 'bin/busybox'), join(tree, 'bin/busybox'));
  await symlink('busybox', join(tree, 'bin/sh'));
  await symlink('bin/busybox', join(tree, 'init'));
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
  await chmod(join(tree, 'etc/rc'), 0o755);
  await run('sh', ['-c', 'find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 >"$0"', initrd], {
    cwd: tree,
  });
}
