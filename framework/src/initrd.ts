import {
  type Directory,
  ensureDirectory,
  lookup,
  makeDirectory,
  makeSymlink,
  place,
  sortedEntries,
} from '@cairn/tree';
import { BUILD_TIME } from './debian.ts';
import { Picker } from './pick.ts';

/** The packages whose files the initrd is picked from. */
export const INITRD_PACKAGES = [
  'systemd',
  'udev',
  'dmsetup',
  'systemd-cryptsetup',
  'cryptsetup-bin',
  'systemd-repart',
  'libtss2-esys-3.0.2-0t64',
  'libtss2-rc0t64',
  'libtss2-mu-4.0.1-0t64',
  'libtss2-tcti-device0t64',
  'kmod',
  'mount',
  'util-linux',
  'coreutils',
  'dash',
  'sed',
  'e2fsprogs',
  'liblzma5',
  'libzstd1',
] as const;

const PROGRAMS = [
  // the init, and what it starts
  '/usr/lib/systemd/systemd',
  '/usr/lib/systemd/systemd-executor',
  '/usr/lib/systemd/systemd-journald',
  '/usr/lib/systemd/systemd-udevd',
  '/usr/lib/systemd/systemd-modules-load',
  '/usr/lib/systemd/systemd-shutdown',
  '/usr/lib/systemd/systemd-veritysetup',
  '/usr/lib/systemd/systemd-cryptsetup',
  '/usr/lib/systemd/systemd-reply-password',
  '/usr/lib/systemd/system-generators/systemd-fstab-generator',
  '/usr/lib/systemd/system-generators/systemd-veritysetup-generator',
  '/usr/lib/systemd/system-generators/systemd-cryptsetup-generator',
  '/usr/bin/systemctl',
  '/usr/bin/journalctl',
  '/usr/bin/udevadm',
  '/usr/bin/systemd-ask-password',
  '/usr/bin/systemd-tty-ask-password-agent',
  // disks: partitions, file systems, encryption
  '/usr/bin/systemd-repart',
  '/usr/sbin/mke2fs',
  '/usr/sbin/mkfs.ext4',
  '/usr/sbin/e2fsck',
  '/usr/sbin/fsck.ext4',
  '/usr/sbin/dmsetup',
  '/usr/sbin/cryptsetup',
  '/usr/sbin/veritysetup',
  '/usr/sbin/blkid',
  '/usr/sbin/switch_root',
  '/usr/lib/udev/ata_id',
  '/usr/lib/udev/scsi_id',
  '/usr/lib/udev/cdrom_id',
  '/etc/mke2fs.conf',
  // modules
  '/usr/bin/kmod',
  '/usr/sbin/modprobe',
  '/usr/sbin/depmod',
  // what the scripts and the agent call
  '/usr/bin/dash',
  '/usr/bin/sh',
  '/usr/bin/cat',
  '/usr/bin/cp',
  '/usr/bin/dd',
  '/usr/bin/sed',
  '/usr/bin/sha256sum',
  '/usr/bin/sleep',
  '/usr/bin/sync',
  '/usr/bin/mount',
  '/usr/bin/umount',
] as const;

/** Opened by name at run time, so that no link tells of them. */
const OPENED_LIBRARIES = [
  'libkmod.so.2',
  'libcryptsetup.so.12',
  'liblzma.so.5',
  'libzstd.so.1',
  'libtss2-esys.so.0',
  'libtss2-rc.so.0',
  'libtss2-mu.so.0',
  'libtss2-tcti-device.so.0',
] as const;

const RULES = [
  '50-udev-default.rules',
  '55-dm.rules',
  '60-block.rules',
  '60-cdrom_id.rules',
  '60-persistent-storage.rules',
  '60-persistent-storage-dm.rules',
  '60-tpm-udev.rules',
  '80-drivers.rules',
  '95-dm-notify.rules',
  '99-systemd.rules',
] as const;

/** Targets first, then what runs. All others of systemd's units have no work here, and each would cost a boot some time. */
const UNITS = [
  'basic.target',
  'cryptsetup-pre.target',
  'cryptsetup.target',
  'emergency.target',
  'final.target',
  'initrd-fs.target',
  'initrd-root-device.target',
  'initrd-root-fs.target',
  'initrd-switch-root.target',
  'initrd-usr-fs.target',
  'initrd.target',
  'local-fs-pre.target',
  'local-fs.target',
  'paths.target',
  'poweroff.target',
  'reboot.target',
  'remote-fs.target',
  'remote-cryptsetup.target',
  'remote-veritysetup.target',
  'shutdown.target',
  'slices.target',
  'sockets.target',
  'swap.target',
  'sysinit.target',
  'timers.target',
  'tpm2.target',
  'umount.target',
  'veritysetup-pre.target',
  'veritysetup.target',
  'initrd-cleanup.service',
  'initrd-switch-root.service',
  'initrd-udevadm-cleanup-db.service',
  'systemd-ask-password-console.path',
  'systemd-ask-password-console.service',
  'systemd-journald-dev-log.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-modules-load.service',
  'systemd-poweroff.service',
  'systemd-reboot.service',
  'systemd-udev-trigger.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udevd.service',
] as const;

/** Which unit starts which: the packages' own links for these, and ours. */
const WANTS: Readonly<Record<string, readonly string[]>> = {
  'initrd.target': ['cairn-boot.service'],
  'sysinit.target': [
    'cryptsetup.target',
    'veritysetup.target',
    'systemd-ask-password-console.path',
    'systemd-journald.service',
    'systemd-modules-load.service',
    'systemd-udev-trigger.service',
    'systemd-udevd.service',
  ],
  'sockets.target': [
    'systemd-journald-dev-log.socket',
    'systemd-journald.socket',
    'systemd-udevd-control.socket',
    'systemd-udevd-kernel.socket',
  ],
  'initrd-switch-root.target': ['initrd-udevadm-cleanup-db.service'],
};

const LINKS: Readonly<Record<string, string>> = {
  '/init': 'usr/lib/systemd/systemd',
  '/usr/lib/systemd/system/default.target': 'initrd.target',
  '/usr/lib/systemd/system/ctrl-alt-del.target': 'reboot.target',
  '/etc/mtab': '/proc/self/mounts',
};

const EMPTY_FOLDERS = ['/proc', '/sys', '/dev', '/run', '/sysroot', '/tmp', '/var/tmp', '/root'];

/**
 * The base initrd: systemd as PID 1, udev, verity, encryption with TPM, repart, and Cairn's own units, picked
 * from Debian's packages file by file. The same for every image; a release adds its kernel's modules.
 *
 * @param packages the unpacked packages (INITRD_PACKAGES)
 * @param recipe the files of recipe/initrd
 */
export async function assembleInitrd(packages: Directory, recipe: Directory): Promise<Directory> {
  const attributes = { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } };
  const initrd = makeDirectory(attributes);
  for (const folder of ['bin', 'sbin', 'lib', 'lib64'])
    initrd.entries.set(folder, makeSymlink(`usr/${folder}`, attributes));
  for (const folder of ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64']) ensureDirectory(initrd, folder);
  for (const folder of EMPTY_FOLDERS) ensureDirectory(initrd, folder);

  const picker = new Picker(packages, initrd);
  for (const program of PROGRAMS) await picker.take(program);
  for (const library of OPENED_LIBRARIES) await picker.takeLibrary(library, 'systemd, when it runs,');
  await picker.take('/usr/lib/x86_64-linux-gnu/cryptsetup/libcryptsetup-token-systemd-tpm2.so');
  for (const rule of RULES) await picker.take(`/usr/lib/udev/rules.d/${rule}`);
  for (const unit of UNITS) await picker.take(`/usr/lib/systemd/system/${unit}`);
  for (const [target, wanted] of Object.entries(WANTS)) {
    for (const unit of wanted) {
      place(initrd, `/usr/lib/systemd/system/${target}.wants/${unit}`, makeSymlink(`../${unit}`, attributes));
    }
  }
  for (const [path, target] of Object.entries(LINKS)) place(initrd, path, makeSymlink(target, attributes));
  overlay(initrd, recipe);
  return initrd;
}

/** Lays the files of one tree over another; folders that both have keep what is in them. */
export function overlay(onto: Directory, from: Directory): void {
  for (const [name, inode] of sortedEntries(from)) {
    const there = lookup(onto, name)?.inode;
    if (inode.kind === 'directory' && there?.kind === 'directory') overlay(there, inode);
    else onto.entries.set(name, inode);
  }
}
