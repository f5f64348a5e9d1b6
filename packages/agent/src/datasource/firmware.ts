import { AgentError } from '../error.ts';
import { base64 } from './cloud.ts';
import { ANSWER_LIMIT } from './http.ts';
import type { Doors, Found, Provider } from './types.ts';

/** QEMU: `-fw_cfg name=opt/org.cairn/user-data,file=…` (Linux, Documentation/ABI/testing/sysfs-firmware-qemu_fw_cfg). */
const FW_CFG = '/sys/firmware/qemu_fw_cfg/by_name/opt/org.cairn/user-data/raw';
/** OEM strings (SMBIOS 3.7, section 7.12): `-smbios type=11,value=cairn.user-data.base64=…` */
const OEM_STRINGS = '/sys/firmware/dmi/entries/11-0/raw';
const OEM_LIMIT = 1 << 20;
const OEM_PLAIN = 'cairn.user-data=';
const OEM_BASE64 = 'cairn.user-data.base64=';

/** What the machine's maker, or whoever started it as a virtual one, has put into its firmware. */
export const firmwareProvider: Provider = {
  name: 'firmware',
  detect: async () => 'unknown',
  async find({ host }) {
    const raw = await host.files.read(FW_CFG, ANSWER_LIMIT);
    if (raw !== undefined) return { userData: raw, place: FW_CFG };
    const table = await host.files.read(OEM_STRINGS, OEM_LIMIT);
    for (const text of table === undefined ? [] : oemStrings(table)) {
      const place = 'the OEM strings of the SMBIOS';
      if (text.startsWith(OEM_PLAIN)) {
        return { userData: new TextEncoder().encode(text.slice(OEM_PLAIN.length)), place };
      }
      if (text.startsWith(OEM_BASE64))
        return { userData: base64(text.slice(OEM_BASE64.length), place), place };
    }
    return undefined;
  },
};

/**
 * Pure: the strings behind a structure of the SMBIOS, each ended by a zero, the last by two (section 6.1.3). What is cut short
 * ends where it is cut.
 */
export function oemStrings(table: Uint8Array): string[] {
  const strings: string[] = [];
  for (let at = table[1] ?? table.length; at < table.length; ) {
    const zero = table.indexOf(0, at);
    const end = zero < 0 ? table.length : zero;
    if (end === at) break;
    strings.push(new TextDecoder().decode(table.subarray(at, end)));
    at = end + 1;
  }
  return strings;
}

/** `cairn.user-data=URL` of the kernel's command line, and NoCloud's `ds=nocloud;s=URL`. */
export const commandLineProvider: Provider = {
  name: 'cmdline',
  byNetwork: true,
  detect: async (doors) => ((await urlOf(doors)) === undefined ? 'elsewhere' : 'here'),
  async find(doors, _options, signal) {
    const url = await urlOf(doors);
    if (url === undefined) return undefined;
    const { status, body } = await doors.http(url, {}, signal);
    if (status === 200) return { userData: body, place: url };
    throw new AgentError(
      'datasource',
      `${url}, which the kernel’s command line names, answers with status ${status}`,
    );
  },
};

async function urlOf({ host }: Doors): Promise<string | undefined> {
  return userDataUrl((await host.files.readText('/proc/cmdline')) ?? '');
}

/** Pure. Only http and https: nothing else is fetched. */
export function userDataUrl(commandLine: string): string | undefined {
  for (const word of commandLine.trim().split(/\s+/)) {
    const [, own] = /^cairn\.user-data=(https?:\/\/\S+)$/.exec(word) ?? [];
    if (own !== undefined) return own;
    const [, seed] = /^ds=nocloud(?:-net)?;(?:[^;]*;)*?(?:s|seedfrom)=(https?:\/\/[^;\s]+)/.exec(word) ?? [];
    if (seed !== undefined) return `${seed}${seed.endsWith('/') ? '' : '/'}user-data`;
  }
  return undefined;
}

/** A file that the image has, or that was put on the disk. */
export const fileProvider: Provider = {
  name: 'file',
  detect: async () => 'unknown',
  async find({ host }, { path }): Promise<Found | undefined> {
    if (path === undefined || path === '') return undefined;
    const userData = await host.files.read(path, ANSWER_LIMIT);
    return userData === undefined ? undefined : { userData, place: path };
  },
};

const VMWARE_TOOL_MS = 5000;
const TOOLS = [
  (key: string) => ['vmware-rpctool', `info-get ${key}`],
  (key: string) => ['vmtoolsd', '--cmd', `info-get ${key}`],
] as const;

/** VMware's guestinfo, by the tools that the image has: `guestinfo.userdata` and `guestinfo.userdata.encoding`. */
export const vmwareProvider: Provider = {
  name: 'vmware',
  async detect({ host }) {
    const vendor = (await host.files.readText('/sys/class/dmi/id/sys_vendor'))?.trim();
    if (vendor === undefined || vendor === '') return 'unknown';
    return vendor.startsWith('VMware') ? 'here' : 'elsewhere';
  },
  async find({ host }, _options, signal) {
    const text = await guestInfo(host, 'guestinfo.userdata', signal);
    if (text === undefined || text === '') return undefined;
    const place = 'guestinfo.userdata';
    const encoding = (await guestInfo(host, 'guestinfo.userdata.encoding', signal)) ?? '';
    // What is compressed is known by its first bytes.
    if (/^(?:gzip\+|gz\+)?b(?:ase)?64$/.test(encoding)) return { userData: base64(text, place), place };
    if (encoding === '') return { userData: new TextEncoder().encode(text), place };
    throw new AgentError('datasource', `${place} is encoded as ${JSON.stringify(encoding)}`, {
      hint: 'Encode it as base64 or gzip+base64.',
    });
  },
};

async function guestInfo(host: Doors['host'], key: string, signal: AbortSignal): Promise<string | undefined> {
  for (const tool of TOOLS) {
    const { exitCode, stdout } = await runOrNothing(host, tool(key), signal);
    if (exitCode === 0) return stdout.trim();
  }
  return undefined;
}

/** A tool that is not there is as one that knows nothing. */
async function runOrNothing(host: Doors['host'], argv: readonly string[], signal: AbortSignal) {
  try {
    return await host.programs.run(argv, { timeoutMs: VMWARE_TOOL_MS, signal });
  } catch {
    signal.throwIfAborted();
    return { exitCode: 127, stdout: '' };
  }
}
