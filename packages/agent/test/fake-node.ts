import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT_HASH = 'ab'.repeat(32);

export interface FakeNodeOptions {
  readonly labels?: readonly string[];
  readonly commandLine?: string;
  readonly imageFolders?: readonly string[];
}

/** A folder that looks like a machine in its initrd: sysfs with one disk, the link to the root, an image. */
export function fakeNode(options: FakeNodeOptions = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'cairn-node-'));
  const put = (path: string, content: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  put('/proc/cmdline', options.commandLine ?? `roothash=${ROOT_HASH} ro console=ttyS0\n`);
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
  for (const [index, label] of labels.entries()) addPartition(root, index + 1, label);
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

export function addPartition(root: string, number: number, label: string): void {
  const folder = join(root, `/sys/devices/virtio1/block/vda/vda${number}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'uevent'), `MAJOR=254\nDEVNAME=vda${number}\nPARTNAME=${label}\n`);
}
