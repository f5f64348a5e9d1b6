import { PARTITION_TYPE, parseGpt } from '@cairn/disk';
import { type Host, runChecked } from '@cairn/host';
import type { BootDisk } from '@cairn/sweep';
import type { Machine } from '@cairn/testkit';
import { BOOT_LIMIT_MS, startNode } from '../support/node.ts';

/** What the agent prints in the initrd of the release that comes up: its slot, and the first 16 digits of its root hash. */
const UP = /Cairn: booting (?<slot>\S+), root (?<root>[0-9a-f]{16}) verified/;
/** What kernel or initrd print of a boot that ends in a reboot. */
const FAILED = /Cairn: this boot is refused|Kernel panic - not syncing/;
/** What firmware prints where it has nothing to start. */
const NOTHING = /BdsDxe: No bootable option|>>Start PXE|Shell>/;
const ANY = new RegExp([UP, FAILED, NOTHING].map(({ source }) => source).join('|'));

/** More boots of one entry than the loader counts. */
const BOOTS = 5;
const LIVE_SLOT = 'live';

export interface BootOptions {
  /** Of all releases that may be on the disk. */
  readonly rootHashes: readonly string[];
  /** A disc that lies in the machine's drive: firmware comes to it where the disk has nothing that it would start. */
  readonly medium?: string | undefined;
}

/** Boots a disk in a machine, from the firmware on, until it is clear which of the releases comes up: then the power goes. */
export function bootInMachine(host: Host, { rootHashes, medium }: BootOptions): BootDisk {
  return async (disk, signal) => {
    await using machine = await startNode(disk, {
      disks: [{ path: disk, access: 'direct' }],
      extraArguments: medium === undefined ? [] : discBehindDisk(medium),
      signal,
    });
    const { came, slot = '', root = '' } = await firstBoot(machine, signal);
    if (came !== 'up') return { came };
    // Nothing of the disk, that is: the medium still boots.
    if (slot === LIVE_SLOT) return { came: 'nothing' };
    await machine.powerOff();
    const rootHash = rootHashes.find((hash) => hash.startsWith(root)) ?? root;
    return { came, rootHash, slot, entries: await entriesOn(host, disk) };
  };
}

async function firstBoot(
  { console }: Machine,
  signal: AbortSignal,
): Promise<{ came: 'nothing' | 'stuck' | 'up'; slot?: string | undefined; root?: string | undefined }> {
  for (let boot = 0; boot < BOOTS; boot++) {
    const { 0: text, groups } = await console.waitFor(ANY, { timeoutMs: BOOT_LIMIT_MS, failOn: [], signal });
    if (groups?.slot !== undefined) return { came: 'up', slot: groups.slot, root: groups.root };
    if (NOTHING.test(text)) return { came: 'nothing' };
  }
  return { came: 'stuck' };
}

/** As mtools finds them, which others wrote: in lower case, and in order. */
async function entriesOn(host: Host, disk: string): Promise<string[]> {
  await using file = await host.files.open(disk, 'read');
  const { partitions } = await parseGpt(file);
  const start = partitions.find(({ type }) => type === PARTITION_TYPE.esp)?.start ?? 0;
  const list = ['mdir', '-b', '-i', `${disk}@@${start}`, '::/loader/entries'];
  const listed = await runChecked(host.programs, ['env', 'MTOOLS_SKIP_CHECK=1', ...list]);
  return listed
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('/'))
    .map((line) => line.slice(line.lastIndexOf('/') + 1).toLowerCase())
    .sort();
}

/** A disc in a CD drive, to which the firmware comes where the disk has nothing; with empty variables it would follow the order of the slots. */
export function discBehindDisk(iso: string): string[] {
  const drive = `if=none,id=cd,media=cdrom,readonly=on,format=raw,file=${iso.replaceAll(',', ',,')}`;
  return ['-global', 'virtio-blk-pci.bootindex=1', '-drive', drive, '-device', 'ide-cd,drive=cd,bootindex=2'];
}
