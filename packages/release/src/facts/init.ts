import { type ByteString, byteString, readExactly } from '@cairn/bytes';
import { type Directory, type Found, lookup, type RegularFile, readFileIn } from '@cairn/tree';
import { ELF_HEADER_SIZE, parseElfArchitecture } from './elf.ts';

export type InitKind = 'systemd' | 'openrc' | 'sysvinit' | 'busybox' | 'other';

/** The program that becomes process 1 of the distro. */
export interface Init {
  /** By what name it is started. */
  readonly path: ByteString;
  /** Where the links of that name lead. */
  readonly program: ByteString;
  readonly kind: InitKind;
}

/**
 * As the kernel looks for one, then systemd without the links of its `-sysv` package:
 * the initrd's systemd starts it under its own name when it changes to the root.
 */
const INIT_PATHS = [
  '/sbin/init',
  '/usr/sbin/init',
  '/etc/init',
  '/bin/init',
  '/usr/lib/systemd/systemd',
  '/lib/systemd/systemd',
] as const;

/** Programs that every image has, to tell its architecture when the init is a script or there is none. */
const SHELL_PATHS = ['/bin/sh', '/usr/bin/sh', '/bin/busybox', '/usr/bin/env'] as const;

export async function findInit(root: Directory, signal?: AbortSignal): Promise<Init | undefined> {
  for (const path of INIT_PATHS) {
    const found = lookup(root, path);
    if (isProgram(found)) return { path, program: found.path, kind: await kindOf(root, found.path, signal) };
  }
  return undefined;
}

/** The architecture of the image's programs; undefined where none of those looked at is an ELF file. */
export async function findArchitecture(root: Directory, signal?: AbortSignal): Promise<string | undefined> {
  for (const path of [...INIT_PATHS, ...SHELL_PATHS]) {
    const found = lookup(root, path);
    if (!isProgram(found) || found.inode.content.size < ELF_HEADER_SIZE) continue;
    const head = await readExactly(found.inode.content, 0, ELF_HEADER_SIZE, signal);
    const architecture = parseElfArchitecture(head);
    if (architecture !== undefined) return architecture;
  }
  return undefined;
}

function isProgram(found: Found | undefined): found is Found & { inode: RegularFile } {
  return found?.inode.kind === 'file' && (found.inode.mode & 0o111) !== 0;
}

/** Which service manager the init is or starts: OpenRC is mostly run by another's init, through inittab(5). */
async function kindOf(root: Directory, program: ByteString, signal?: AbortSignal): Promise<InitKind> {
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (name === 'systemd') return 'systemd';
  if (name === 'openrc-init') return 'openrc';
  const options = { limit: 1 << 20, signal };
  const inittab = await readFileIn(root, '/etc/inittab', options);
  const lines = inittab === undefined ? [] : byteString(inittab).split('\n');
  if (lines.some((line) => !line.startsWith('#') && /\/openrc(\s|$)/.test(line))) return 'openrc';
  if (name.startsWith('busybox')) return 'busybox';
  return inittab === undefined ? 'other' : 'sysvinit';
}
