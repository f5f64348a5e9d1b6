import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { viewOf } from '@cairn/bytes';
import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import type { ReleaseInput } from '../src/index.ts';

export const VERSION = '6.12.9-test-amd64';
export const FRAMEWORK = {
  formatVersion: 1,
  version: '0.1.0',
  architecture: 'amd64',
  digest: 'f'.repeat(64),
} as const;

const MTIME = { seconds: 1_700_000_000, nanoseconds: 5 };
const EFI = '/usr/lib/systemd/boot/efi';

export interface KernelShape {
  /** What the header says after the version; the version itself unless given. */
  readonly text?: string;
  readonly efiStub?: boolean;
  readonly flags?: number;
  readonly size?: number;
}

/** A kernel without code: setup header (Linux/x86 boot protocol 2.15) in an otherwise empty PE32+ image. */
export function fakeKernel(version = VERSION, shape: KernelShape = {}): Uint8Array {
  const bytes = new Uint8Array(shape.size ?? 16384);
  const view = viewOf(bytes);
  if (shape.efiStub !== false) writePe(bytes);
  view.setUint8(0x1f1, 15);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, 0x020f, true);
  view.setUint16(0x20e, 0x1000, true);
  view.setUint16(0x236, shape.flags ?? 0x7f, true);
  bytes.set(new TextEncoder().encode(shape.text ?? `${version} (root@builder) #1 SMP\0`), 0x1200);
  return bytes;
}

function writePe(bytes: Uint8Array): void {
  const view = viewOf(bytes);
  view.setUint16(0, 0x4d5a);
  view.setUint32(60, 64, true);
  view.setUint32(64, 0x4550, true);
  view.setUint16(68, 0x8664, true);
  view.setUint16(84, 160, true);
  const optional = 88;
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 16, 0x1000, true);
  view.setUint32(optional + 32, 0x1000, true);
  view.setUint32(optional + 36, 0x200, true);
  view.setUint32(optional + 56, 0x8000, true);
  view.setUint32(optional + 60, 0x200, true);
  view.setUint16(optional + 68, 10, true);
}

/** The head of a program for a machine, by `e_machine`: 62 is x86-64. */
export function fakeProgram(machine = 62): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  viewOf(bytes).setUint16(18, machine, true);
  return bytes;
}

/** Text files of a module folder, by name. */
export const MODULE_TEXTS = {
  'modules.dep': [
    'kernel/fs/erofs/erofs.ko.xz: kernel/lib/libcrc32c.ko.xz',
    'kernel/lib/libcrc32c.ko.xz:',
    'kernel/drivers/md/dm-verity.ko.xz: kernel/drivers/md/dm-bufio.ko.xz kernel/drivers/md/dm-mod.ko.xz',
    'kernel/drivers/md/dm-bufio.ko.xz: kernel/drivers/md/dm-mod.ko.xz',
    'kernel/drivers/md/dm-mod.ko.xz:',
    'kernel/drivers/block/virtio_blk.ko.xz:',
    'kernel/crypto/crc32c_generic.ko.xz:',
    'kernel/arch/x86/crypto/sha256-ssse3.ko.xz:',
    'kernel/fs/nls/nls_cp437.ko.xz:',
    'kernel/net/wireless/cfg80211.ko.xz:',
  ].join('\n'),
  'modules.builtin': 'kernel/fs/overlayfs/overlay.ko\nkernel/fs/autofs/autofs4.ko\n',
  'modules.alias':
    'alias crypto-sha256 sha256_ssse3\nalias crypto-crc32c crc32c_generic\nalias pci:v* virtio_blk\n',
  'modules.softdep': '# made by depmod\nsoftdep libcrc32c pre: crypto-crc32c\n',
  'modules.weakdep': '# made by depmod\n',
  'modules.dep.bin': '\u00b0\u0007binary',
} as const;

/** Puts a kernel with its modules into a tree. */
export function addKernel(root: Directory, version = VERSION): void {
  place(root, `/boot/vmlinuz-${version}`, makeFile(fakeKernel(version), { mtime: MTIME }));
  addModules(root, version);
}

export function addModules(root: Directory, version = VERSION): void {
  const folder = `/usr/lib/modules/${version}`;
  for (const [name, text] of Object.entries(MODULE_TEXTS)) {
    place(root, `${folder}/${name}`, makeFile(text, { mtime: MTIME }));
  }
  for (const line of MODULE_TEXTS['modules.dep'].split('\n')) {
    const path = line.slice(0, line.indexOf(':'));
    place(root, `${folder}/${path}`, makeFile(`module ${path}`.repeat(50), { mtime: MTIME }));
  }
}

/** A small system with merged /usr, an init and a kernel. */
export function sampleTree(): Directory {
  const root = makeDirectory({ mtime: MTIME });
  place(root, '/usr/sbin/keep', makeFile('', { mtime: MTIME }));
  place(root, '/usr/bin/sh', makeFile(fakeProgram(), { mode: 0o755, mtime: MTIME }));
  place(root, '/usr/lib/systemd/systemd', makeFile(fakeProgram(), { mode: 0o755, mtime: MTIME }));
  for (const name of ['lib', 'sbin', 'bin']) place(root, `/${name}`, makeSymlink(`usr/${name}`));
  place(root, '/usr/sbin/init', makeSymlink('../lib/systemd/systemd'));
  place(
    root,
    '/usr/lib/os-release',
    makeFile('ID=sample\nNAME="Sample OS"\nVERSION_ID=7\n', { mtime: MTIME }),
  );
  place(root, '/etc/os-release', makeSymlink('../usr/lib/os-release'));
  place(root, '/usr/share/big', makeFile(new Uint8Array(1_500_000).fill(7), { mtime: MTIME }));
  addKernel(root);
  return root;
}

/** An archive of the kernel's format with nothing in it but its end. */
const EMPTY_ARCHIVE = `070701${'0'.repeat(88)}0000000b00000000TRAILER!!!\0\0\0\0`;
export const BASE_INITRD = zstdCompressSync(EMPTY_ARCHIVE);

/** The sample with a framework layer: systemd's own stub and loader, an initrd with one file. */
export function convertedTree(): Directory {
  const root = sampleTree();
  const files = {
    'framework.json': JSON.stringify(FRAMEWORK),
    'stub.efi': readFileSync(join(EFI, 'linuxx64.efi.stub')),
    'boot.efi': readFileSync(join(EFI, 'systemd-bootx64.efi')),
    'initrd.zst': BASE_INITRD,
  };
  for (const [name, content] of Object.entries(files)) {
    place(root, `/usr/lib/cairn/${name}`, makeFile(content, { mtime: MTIME }));
  }
  return root;
}

export function sampleInput(root = convertedTree()): ReleaseInput {
  return {
    root,
    image: {
      reference: { kind: 'oci-layout', path: '/home/someone/image' },
      digest: `sha256:${'d'.repeat(64)}`,
      labels: new Map(),
      created: '2026-01-02T03:04:05Z',
    },
  };
}

/** A folder for one test, removed after it. */
export function scratchFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-release-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs one of the tools that judge our output, and gives what it printed. Fails when the tool does. */
export function tool(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8' },
  });
}
