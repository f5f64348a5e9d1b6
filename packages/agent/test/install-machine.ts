import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** All machines of this process, gone when it ends. */
const FOLDER = mkdtempSync(join(tmpdir(), 'cairn-disks-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

export interface FakeDisk {
  /** As sysfs tells it; what the node in /dev has is only the bytes below. */
  readonly size?: number;
  readonly sectorSize?: number;
  readonly removable?: boolean;
  readonly readOnly?: boolean;
  readonly virtual?: boolean;
  readonly partitions?: number;
  /** By the name of the disk or partition, what lies on it. */
  readonly holders?: Readonly<Record<string, string>>;
  /** What the node holds, by position; undefined for a node that is not there. */
  readonly content?: readonly (readonly [position: number, bytes: string])[] | undefined;
  readonly loop?: string;
}

const NODE_SIZE = 4 * MIB;

/** A folder that looks like a machine with these disks. `major:minor` is 8 and a number, disks and partitions counted on. */
export function machineWith(
  disks: Readonly<Record<string, FakeDisk>>,
  files: Readonly<Record<string, string>> = {},
): string {
  const root = mkdtempSync(join(FOLDER, 'machine-'));
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  mkdirSync(join(root, '/sys/class/block'), { recursive: true });
  mkdirSync(join(root, '/dev'), { recursive: true });
  let minor = 0;
  for (const [name, disk] of Object.entries(disks)) {
    const kind = disk.virtual === true ? 'virtual' : 'pci0';
    const folder = `/sys/devices/${kind}/block/${name}`;
    put(`${folder}/size`, `${(disk.size ?? 20 * GIB) / 512}\n`);
    put(`${folder}/removable`, disk.removable === true ? '1\n' : '0\n');
    put(`${folder}/ro`, disk.readOnly === true ? '1\n' : '0\n');
    put(`${folder}/dev`, `8:${minor++}\n`);
    put(`${folder}/queue/logical_block_size`, `${disk.sectorSize ?? 512}\n`);
    put(`${folder}/device/model`, 'A DISK          \n');
    if (disk.loop !== undefined) put(`${folder}/loop/backing_file`, `${disk.loop}\n`);
    symlinkSync(`../../devices/${kind}/block/${name}`, join(root, '/sys/class/block', name));
    for (let number = 1; number <= (disk.partitions ?? 0); number++) {
      const part = `${name}${number}`;
      put(`${folder}/${part}/partition`, `${number}\n`);
      put(`${folder}/${part}/dev`, `8:${minor++}\n`);
      symlinkSync(`../../devices/${kind}/block/${name}/${part}`, join(root, '/sys/class/block', part));
    }
    for (const [part, holder] of Object.entries(disk.holders ?? {})) {
      put(`${folder}/${part === name ? '' : part}/holders/${holder}`, '');
    }
    if ('content' in disk && disk.content === undefined) continue;
    const bytes = new Uint8Array(NODE_SIZE);
    for (const [position, text] of disk.content ?? []) {
      bytes.set(Buffer.from(text, 'latin1'), position < 0 ? NODE_SIZE + position : position);
    }
    put(`/dev/${name.replaceAll('!', '/')}`, bytes);
  }
  for (const [path, content] of Object.entries(files)) put(path, content);
  return root;
}

export function link(root: string, path: string, target: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  symlinkSync(target, join(root, path));
}
