import {
  type Directory,
  ensureDirectory,
  lookup,
  makeDirectory,
  makeSymlink,
  sortedEntries,
} from '@cairn/tree';
import { BUILD_TIME } from './debian.ts';
import { Picker } from './pick.ts';

/** The packages whose files the initrd is picked from. */
export const INITRD_PACKAGES = [
  'systemd',
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
  'quickjs',
  'e2fsprogs',
  'liblzma5',
  'libzstd1',
] as const;

const PROGRAMS = [
  // what /init calls
  '/usr/bin/dash',
  '/usr/bin/sh',
  '/usr/bin/cat',
  '/usr/bin/dd',
  '/usr/bin/dmesg',
  '/usr/bin/ln',
  '/usr/bin/mkdir',
  '/usr/bin/mount',
  '/usr/bin/sed',
  '/usr/bin/sha256sum',
  '/usr/bin/sleep',
  '/usr/bin/tail',
  '/usr/sbin/dmsetup',
  '/usr/sbin/switch_root',
  '/usr/bin/kmod',
  '/usr/sbin/modprobe',
  // what `cairn boot` is run by, and what it calls: partitions, file systems, encryption
  '/usr/bin/qjs',
  '/usr/bin/chmod',
  '/usr/bin/chown',
  '/usr/bin/systemd-repart',
  '/usr/bin/systemd-cryptsetup',
  '/usr/sbin/mke2fs',
  '/usr/sbin/mkfs.ext4',
  '/usr/sbin/e2fsck',
  '/usr/sbin/cryptsetup',
  '/usr/bin/cp',
  '/usr/bin/sync',
  '/usr/bin/umount',
  '/etc/mke2fs.conf',
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

const EMPTY_FOLDERS = ['/proc', '/sys', '/dev', '/run', '/sysroot', '/tmp', '/var/tmp', '/root'];

/**
 * The base initrd: a shell and what Cairn's own /init calls, `cairn boot`, and what that needs before the root is switched to
 * (partitions, file systems, encryption with TPM), picked from Debian's packages file by file. The same for every image; a release adds its kernel's modules.
 *
 * @param packages the unpacked packages (INITRD_PACKAGES)
 * @param recipe the files of recipe/initrd
 */
export async function assembleInitrd(packages: Directory, recipe: Directory): Promise<Directory> {
  const attributes = { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } };
  const initrd = makeDirectory(attributes);
  // Not sbin: with it the kernel would load modules before /init runs, by /sbin/modprobe (kernel.modprobe, sysctl/kernel),
  // which takes a fifth of its start-up, for a faster AES that nobody needs yet. /init makes it.
  for (const folder of ['bin', 'lib', 'lib64'])
    initrd.entries.set(folder, makeSymlink(`usr/${folder}`, attributes));
  for (const folder of ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64']) ensureDirectory(initrd, folder);
  for (const folder of EMPTY_FOLDERS) ensureDirectory(initrd, folder);

  const picker = new Picker(packages, initrd);
  for (const program of PROGRAMS) await picker.take(program);
  for (const library of OPENED_LIBRARIES) await picker.takeLibrary(library, 'systemd, when it runs,');
  await picker.take('/usr/lib/x86_64-linux-gnu/cryptsetup/libcryptsetup-token-systemd-tpm2.so');
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
