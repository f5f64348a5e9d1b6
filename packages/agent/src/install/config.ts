import { parseDocument } from 'yaml';
import { AgentError } from '../error.ts';
import type { PartitionWishes } from './layout.ts';

/** What a configuration says of the installation: Kairos's key `install`, as far as it has a meaning here. */
export interface InstallConfig {
  /** A live system installs by itself. */
  readonly auto: boolean;
  readonly device: string | undefined;
  readonly afterwards: 'reboot' | 'poweroff' | undefined;
  readonly wishes: PartitionWishes;
  /** Sentences: keys that are Kairos's and do nothing here. */
  readonly warnings: readonly string[];
}

export const CONFIG_LIMIT = 1 << 20;
const MIB = 2 ** 20;

const NOTHING: InstallConfig = {
  auto: false,
  device: undefined,
  afterwards: undefined,
  wishes: {},
  warnings: [],
};

/** Kairos's keys that change nothing here, and why. */
const IDLE: Readonly<Record<string, string>> = {
  force: 'a disk that holds data is taken when it is named',
  source: 'the release on the medium is installed, or the one of `--source`',
  system: 'the release on the medium is installed, or the one of `--source`',
  'recovery-system': 'recovery gets the same release',
  passive: 'the second slot is filled by the first upgrade',
  'part-table': 'it is always GPT',
  firmware: 'it is always UEFI',
  grub_options: 'the boot loader is systemd-boot',
  'grub-entry-name': 'the boot loader is systemd-boot',
  'skip-entries': 'the boot loader is systemd-boot',
  tty: 'consoles are set when the release is built, by `--cmdline`',
  iso: 'the release on the medium is installed, or the one of `--source`',
  nousers: 'users are not asked for',
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses a configuration's key `install`. All other keys belong to those who read the configuration on the node.
 *
 * @throws AgentError `bad-request` for what is no YAML, a setting of another type than it has, or one that cannot be followed
 */
export function parseInstallConfig(bytes: Uint8Array): InstallConfig {
  if (bytes.length > CONFIG_LIMIT) throw bad(`it has ${bytes.length} bytes, more than ${CONFIG_LIMIT}`);
  const document = parseDocument(decode(bytes), { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = error.linePos?.[0] ?? {};
    const [message = ''] = error.message.split('\n');
    throw bad(
      line === undefined ? message : `line ${line}, column ${col}: ${message.replace(/ at line .*$/, '')}`,
    );
  }
  const whole = toPlain(() => document.toJS({ maxAliasCount: 100 }));
  if (whole === null || whole === undefined) return NOTHING;
  const { install } = record(whole, 'the configuration');
  return install === undefined || install === null ? NOTHING : readInstall(record(install, 'install'));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw bad('it is not UTF-8 text', cause);
  }
}

function toPlain(convert: () => unknown): unknown {
  try {
    return convert();
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function readInstall(fields: Fields): InstallConfig {
  refuse(fields);
  const { oem, persistent } = readPartitions(fields['partitions']);
  const reboot = flag(fields, 'reboot');
  const poweroff = flag(fields, 'poweroff');
  if (reboot && poweroff) throw bad('install.reboot and install.poweroff are both true');
  const device = fields['device'];
  if (device !== undefined && (typeof device !== 'string' || device === '')) {
    throw bad('install.device is not the name of a disk: "auto", "/dev/disk/by-…" or "script://…"');
  }
  const known = new Set(['auto', 'device', 'reboot', 'poweroff', 'partitions', 'extra-partitions']);
  known.add('no-format').add('no_format').add('encrypted_partitions');
  const warnings = Object.keys(fields)
    .filter((key) => !known.has(key))
    .map((key) => `install.${key} does nothing here${IDLE[key] === undefined ? '' : `: ${IDLE[key]}`}`);
  return {
    auto: flag(fields, 'auto'),
    device,
    afterwards: reboot ? 'reboot' : poweroff ? 'poweroff' : undefined,
    wishes: { oem, persistent, extra: readExtra(fields['extra-partitions']) },
    warnings,
  };
}

/** What would make another system than the one that was asked for. */
function refuse(fields: Fields): void {
  if (flag(fields, 'no-format') || flag(fields, 'no_format')) {
    throw bad('install.no-format cannot be followed: a disk is always partitioned anew', undefined, {
      hint: 'Leave it out, and all that the disk holds is lost; or upgrade the system that is on it.',
    });
  }
  const encrypted = fields['encrypted_partitions'];
  if (Array.isArray(encrypted) && encrypted.length > 0) {
    throw bad('install.encrypted_partitions cannot be followed: partitions are not encrypted yet');
  }
}

function readPartitions(value: unknown): Pick<PartitionWishes, 'oem' | 'persistent'> {
  if (value === undefined || value === null) return {};
  const fields = record(value, 'install.partitions');
  const size = (key: string): number | undefined => {
    const partition = fields[key];
    if (partition === undefined || partition === null) return undefined;
    const path = `install.partitions.${key}`;
    const found = record(partition, path);
    fileSystem(found, path);
    return mebibytes(found, path);
  };
  return { oem: size('oem') || undefined, persistent: size('persistent') };
}

function readExtra(value: unknown): PartitionWishes['extra'] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw bad('install.extra-partitions is not a list');
  return value.map((each: unknown, index) => {
    const path = `install.extra-partitions[${index}]`;
    const fields = record(each, path);
    fileSystem(fields, path);
    const label = fields['label'] ?? fields['name'];
    if (typeof label !== 'string') throw bad(`${path} has no name`);
    return { label, size: mebibytes(fields, path) ?? 0 };
  });
}

/** Sizes are in MiB, as Kairos's. */
function mebibytes(fields: Fields, path: string): number | undefined {
  const { size } = fields;
  if (size === undefined || size === null) return undefined;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size * MIB;
  throw bad(`${path}.size is not a number of MiB`);
}

function fileSystem({ fs }: Fields, path: string): void {
  if (fs === undefined || fs === null || fs === '' || fs === 'ext4') return;
  throw bad(`${path}.fs is ${JSON.stringify(fs)}: partitions are made as ext4`);
}

function flag(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw bad(`install.${key} is neither true nor false`);
}

function record(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw bad(`${path} is not a map of keys and values`);
}

function bad(what: string, cause?: unknown, options: { readonly hint?: string } = {}): AgentError {
  return new AgentError('bad-request', `the configuration cannot be used: ${what}`, { ...options, cause });
}
