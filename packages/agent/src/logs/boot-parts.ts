import { formatBytes } from '@cairn/bytes';
import type { Files, Host } from '@cairn/host';
import { lastPanic } from '../bless/pstore.ts';
import { parseBootOrder, parseLoadOption } from '../efi/load-option.ts';
import { decodeText, EFI_GLOBAL, LOADER_VENDOR, readVariable } from '../efi/variable.ts';
import { ENTRY_LIMIT } from '../loader/entry.ts';
import { ENTRIES_FOLDER, RELEASES_FOLDER } from '../loader/places.ts';
import { findNodeDisk, partitionOf, tableOrNothing } from '../node/disk.ts';
import { mountEsp } from '../node/esp.ts';
import { takeLock } from '../node/lock.ts';
import type { Part } from './part.ts';

/** Of systemd's variables those that are texts and no secrets: the loader's random seed and its system token are (Boot Loader Interface). */
const LOADER_TEXTS = [
  'LoaderEntrySelected',
  'LoaderEntryDefault',
  'LoaderEntryOneShot',
  'LoaderBootCountPath',
  'LoaderDevicePartUUID',
  'LoaderImageIdentifier',
  'LoaderInfo',
  'LoaderFirmwareInfo',
  'LoaderFirmwareType',
  'LoaderTimeInitUSec',
  'LoaderTimeExecUSec',
  'StubInfo',
] as const;

const BOOT_OPTION = /^(Boot[0-9A-F]{4})-/i;
/** The last panic is told of whenever it was: nobody knows of what use it is. */
const EVER = 0;

async function loaderText(host: Host): Promise<string> {
  const { files } = host;
  const device = partitionOf(await findNodeDisk(files), 'ESP').device;
  await using _lock = await takeLock(host, 'logs');
  await using esp = await mountEsp(host, device);
  const lines: string[] = [];
  for (const file of await files.list(`${esp.path}/${ENTRIES_FOLDER}`)) {
    const text = await files.readText(`${esp.path}/${ENTRIES_FOLDER}/${file}`, ENTRY_LIMIT);
    lines.push(`== ${ENTRIES_FOLDER}/${file}`, (text ?? '').trimEnd());
  }
  for (const file of await files.list(`${esp.path}/${RELEASES_FOLDER}`)) {
    const size = (await files.stat(`${esp.path}/${RELEASES_FOLDER}/${file}`))?.size ?? 0;
    lines.push(`${RELEASES_FOLDER}/${file}: ${size} bytes`);
  }
  const { total, free } = await files.space(esp.path);
  lines.push(`space: ${formatBytes(free)} of ${formatBytes(total)} free`);
  return `${lines.join('\n')}\n`;
}

async function partitionsText(files: Files): Promise<string | undefined> {
  const lines: string[] = [];
  for (const disk of await files.list('/sys/class/block')) {
    if ((await files.stat(`/sys/class/block/${disk}/partition`)) !== undefined) continue;
    for (const { label, start, size, uuid, type } of await tableOrNothing(files, disk)) {
      lines.push(`${disk}: ${label} start=${start} size=${size} uuid=${uuid} type=${type}`);
    }
  }
  return lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
}

/** What the loader has left of this boot, and what the firmware boots, in its order. */
async function efiText(host: Host, variables: string): Promise<string | undefined> {
  const names = await host.files.list(variables);
  if (names.length === 0) return undefined;
  const lines: string[] = [];
  for (const name of LOADER_TEXTS) {
    const variable = await readVariable(host, name, LOADER_VENDOR);
    if (variable !== undefined) lines.push(`${name}=${decodeText(variable.data)}`);
  }
  for (const name of ['BootCurrent', 'BootOrder', 'BootNext']) {
    const variable = await readVariable(host, name, EFI_GLOBAL);
    if (variable === undefined) continue;
    const numbers = parseBootOrder(variable.data).map((number) => number.toString(16).padStart(4, '0'));
    lines.push(`${name}=${numbers.join(' ')}`);
  }
  for (const file of names) {
    const name = BOOT_OPTION.exec(file)?.[1];
    const variable = name === undefined ? undefined : await readVariable(host, name, EFI_GLOBAL);
    if (variable === undefined) continue;
    const option = parseLoadOption(variable.data);
    const what =
      option === undefined
        ? 'no file on a partition'
        : `${option.description}: ${option.file} on ${option.partition.uuid}`;
    lines.push(`${name}=${what}`);
  }
  return `${lines.join('\n')}\n\n${names.join('\n')}\n`;
}

async function panicText(host: Host): Promise<string | undefined> {
  const panic = await lastPanic(host, EVER);
  return panic === undefined ? undefined : `${panic.lines.join('\n')}\n`;
}

/** How this machine boots: all that firmware, loader and initrd decide by. */
export const BOOT_PARTS: readonly Part[] = [
  { name: 'boot/loader.txt', read: loaderText },
  { name: 'boot/partitions.txt', read: ({ files }) => partitionsText(files) },
  { name: 'boot/efi-variables.txt', read: (host) => efiText(host, '/sys/firmware/efi/efivars') },
  { name: 'boot/last-panic.txt', read: panicText },
];
