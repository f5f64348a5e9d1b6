import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveUuid, encodeGpt, PARTITION_TYPE, planDisk } from '@cairn/disk';

export const ROOT_HASH = 'ab'.repeat(32);

/** All machines of this process, gone when it ends; in memory where there is such a place, since they flush a lot. */
const FOLDER = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'cairn-nodes-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

export interface FakeNodeOptions {
  readonly labels?: readonly string[];
  readonly commandLine?: string;
  readonly imageFolders?: readonly string[];
}

/** A folder that looks like a machine in its initrd: sysfs with one disk, the link to the root, an image. */
export function fakeNode(options: FakeNodeOptions = {}): string {
  const root = mkdtempSync(join(FOLDER, 'node-'));
  const put = (path: string, content: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  put('/proc/cmdline', options.commandLine ?? `roothash=${ROOT_HASH} ro console=ttyS0\n`);
  put('/proc/sys/kernel/random/uuid', `${randomUUID()}\n`);
  mkdirSync(join(root, '/dev/cairn'), { recursive: true });
  symlinkSync('../vda2', join(root, '/dev/cairn/root'));
  mkdirSync(join(root, '/sys/class/block'), { recursive: true });
  symlinkSync('../../devices/virtio1/block/vda/vda2', join(root, '/sys/class/block/vda2'));
  symlinkSync('../../devices/virtio1/block/vda', join(root, '/sys/class/block/vda'));
  const labels = options.labels ?? [
    'ESP',
    'cairn-a',
    'cairn-b',
    'cairn-recovery',
    'COS_OEM',
    'COS_PERSISTENT',
  ];
  setPartitions(root, labels);
  for (const folder of options.imageFolders ?? [
    '/etc',
    '/var',
    '/srv',
    '/root',
    '/home',
    '/usr/local',
    '/opt',
  ]) {
    mkdirSync(join(root, '/run/cairn/image', folder), { recursive: true });
    mkdirSync(join(root, '/sysroot', folder), { recursive: true });
  }
  return root;
}

/** Writes a table with these partitions to the machine's disk, and tells the kernel, so to say. */
export function setPartitions(root: string, labels: readonly string[]): void {
  const layout = planDisk({
    diskUuid: deriveUuid('fake', 'disk'),
    partitions: labels.map((label) => ({
      label,
      type: PARTITION_TYPE.linuxGeneric,
      uuid: deriveUuid('fake', label),
      size: 1 << 20,
    })),
  });
  const disk = new Uint8Array(layout.size);
  for (const { position, bytes } of Object.values(encodeGpt(layout))) disk.set(bytes, position);
  writeFileSync(join(root, '/dev/vda'), disk);
  for (const [index, { start }] of layout.partitions.entries()) {
    const folder = join(root, `/sys/devices/virtio1/block/vda/vda${index + 1}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'start'), `${start / 512}\n`);
    writeFileSync(join(root, `/dev/vda${index + 1}`), ext4Superblock(CLEAN));
  }
}

export const ALL_LABELS = [
  'ESP',
  'cairn-a',
  'cairn-b',
  'cairn-recovery',
  'COS_OEM',
  'COS_PERSISTENT',
] as const;

export const CLEAN = 1;
export const WITH_ERRORS = 3;

/** The start of an ext4, as far as a boot looks at it. */
export function ext4Superblock(state: number): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setUint16(1024 + 0x38, 0xef53, true);
  view.setUint16(1024 + 0x3a, state, true);
  return bytes;
}
