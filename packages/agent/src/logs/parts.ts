import type { Host } from '@cairn/host';
import { RUN } from '../boot/places.ts';
import { STATE_FOLDER } from '../state/names.ts';
import { readLife } from '../status/life.ts';
import { readStatus } from '../status/status.ts';
import { statusText } from '../status/text.ts';

/** One file of a support bundle, and where its text comes from. */
export interface Part {
  readonly name: string;
  /** Undefined where this machine has no such thing. Throws CairnError for what went wrong. */
  read(host: Host): Promise<string | undefined>;
}

const TIMEOUT_MS = 60_000;
/** Of each boot as many as tell a story; the journal itself stays on the node. */
const LINES = 10_000;
/** This one, and as many before it as a release on trial has. */
const BOOTS = [0, -1, -2, -3];

function output(name: string, ...argv: readonly string[]): Part {
  return {
    name,
    async read({ programs }) {
      const { exitCode, stdout, stderr } = await programs.run(argv, { timeoutMs: TIMEOUT_MS });
      return exitCode === 0 ? stdout : `${stdout}${stderr}exit code ${exitCode}\n`;
    },
  };
}

/** A boot's journal, by how many boots ago it was. */
function journalOf(boot: number): Part {
  const choice = ['-b', String(boot), '-n', String(LINES)];
  return output(`journal/boot${boot}.txt`, 'journalctl', '--no-pager', '-o', 'short-iso', ...choice);
}

function file(name: string, path: string): Part {
  return { name, read: ({ files }) => files.readText(path) };
}

/** All that Cairn itself has written in a folder, one file after the other. */
function folder(name: string, path: string): Part {
  return {
    name,
    async read({ files }) {
      let text = '';
      for (const each of await files.list(path)) {
        if (!each.endsWith('.json')) continue;
        text += `== ${path}/${each}\n${(await files.readText(`${path}/${each}`)) ?? ''}\n`;
      }
      return text === '' ? undefined : text;
    },
  };
}

/** A value of each device: what hardware this is, without serial numbers. */
function facts(name: string, path: string, values: readonly string[]): Part {
  return {
    name,
    async read({ files }) {
      const lines: string[] = [];
      for (const device of await files.list(path)) {
        const found: string[] = [];
        for (const value of values) {
          const text = await files.readText(`${path}/${device}/${value}`).catch(() => undefined);
          if (text !== undefined) found.push(`${value}=${text.trim().replaceAll('\n', ' ')}`);
        }
        if (found.length > 0) lines.push(`${device}: ${found.join(' ')}`);
      }
      return lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
    },
  };
}

const STATUS: Part = {
  name: 'status.txt',
  read: async (host) => `${statusText(await readStatus(host.files), await readLife(host))}\n`,
};

/** What the owner has configured, by name and size: contents may be secret in ways that nobody can tell. */
const CONFIGURATION: Part = {
  name: 'configuration.txt',
  async read({ files }) {
    const lines: string[] = [];
    for (const path of ['/system/oem', '/etc/kairos', '/usr/local/cloud-config', '/oem']) {
      for (const name of await files.list(path)) {
        const status = await files.stat(`${path}/${name}`);
        if (status?.kind === 'file')
          lines.push(`${path}/${name}: ${status.size} bytes, mode ${status.mode.toString(8)}`);
      }
    }
    return lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
  },
};

/** Programs that are not there are left out: an image need not have them. */
export const PARTS: readonly Part[] = [
  STATUS,
  CONFIGURATION,
  folder('state.txt', STATE_FOLDER),
  folder('boot-record.txt', RUN),
  ...BOOTS.map((boot) => journalOf(boot)),
  output('journal/boots.txt', 'journalctl', '--no-pager', '--list-boots'),
  output('kernel-log.txt', 'dmesg'),
  output('units.txt', 'systemctl', '--no-pager', '--full', 'list-units', '--all'),
  output('failed-units.txt', 'systemctl', '--no-pager', '--full', 'status', '--failed'),
  output('block-devices.txt', 'lsblk', '-o', 'NAME,SIZE,RO,TYPE,PARTLABEL,FSTYPE,MOUNTPOINTS'),
  output('space.txt', 'df', '-a'),
  output('processes.txt', 'ps', '-eo', 'pid,ppid,user,stat,pcpu,pmem,etime,comm'),
  output('addresses.txt', 'ip', 'address'),
  output('routes.txt', 'ip', 'route'),
  file('command-line.txt', '/proc/cmdline'),
  file('mounts.txt', '/proc/self/mountinfo'),
  file('memory.txt', '/proc/meminfo'),
  file('processors.txt', '/proc/cpuinfo'),
  file('modules.txt', '/proc/modules'),
  file('os-release.txt', '/etc/os-release'),
  file('framework.txt', '/usr/lib/cairn/framework.json'),
  {
    name: 'efi-variables.txt',
    async read({ files }) {
      const names = await files.list('/sys/firmware/efi/efivars');
      return names.length === 0 ? undefined : `${names.join('\n')}\n`;
    },
  },
  facts('hardware/pci.txt', '/sys/bus/pci/devices', ['class', 'vendor', 'device']),
  facts('hardware/usb.txt', '/sys/bus/usb/devices', ['idVendor', 'idProduct', 'product']),
  facts('hardware/disks.txt', '/sys/class/block', ['size', 'ro', 'removable', 'device/model']),
  facts('hardware/network.txt', '/sys/class/net', ['operstate', 'speed', 'mtu']),
  facts('hardware/watchdogs.txt', '/sys/class/watchdog', ['identity', 'state', 'timeout']),
  facts('hardware/machine.txt', '/sys/class/dmi', [
    'sys_vendor',
    'product_name',
    'bios_version',
    'bios_date',
  ]),
];
