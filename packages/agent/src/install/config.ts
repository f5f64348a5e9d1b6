import {
  type Config,
  configShape,
  type Diagnostic,
  decodeSource,
  placeText,
  readConfig,
} from '@cairn/config';
import { AgentError } from '../error.ts';
import type { PartitionWishes } from './layout.ts';

/** What a configuration says of the installation: Kairos's key `install`, as far as it has a meaning here. */
export interface InstallConfig {
  /** A live system installs by itself. */
  readonly auto: boolean;
  readonly device: string | undefined;
  readonly afterwards: 'reboot' | 'poweroff' | undefined;
  readonly wishes: PartitionWishes;
  /** Sentences: keys that are Kairos's and do nothing here, and keys that nobody knows. */
  readonly warnings: readonly string[];
}

export const CONFIG_LIMIT = 1 << 20;
const MIB = 2 ** 20;

type Install = NonNullable<Config['install']>;
type Partition = NonNullable<NonNullable<Install['partitions']>['oem']>;

const NOTHING: InstallConfig = {
  auto: false,
  device: undefined,
  afterwards: undefined,
  wishes: {},
  warnings: [],
};

/**
 * Parses a configuration's key `install`. All other keys belong to those who read the configuration on the node.
 *
 * @param name what it is called in messages: its file, or URL
 * @throws AgentError `bad-request` for what is no YAML, a setting of another type than it has, or one that cannot be followed
 */
export function parseInstallConfig(bytes: Uint8Array, name: string): InstallConfig {
  if (bytes.length > CONFIG_LIMIT) throw bad(`it has ${bytes.length} bytes, more than ${CONFIG_LIMIT}`);
  const unread: Diagnostic[] = [];
  const source = decodeSource(name, bytes, (each) => unread.push(each));
  const [encoding] = unread;
  if (source === undefined) throw bad(encoding?.message ?? 'it cannot be read');
  const { config, diagnostics } = readConfig(source, configShape(), { header: false });
  const concerned = diagnostics.filter(({ path }) => path === '' || /^install(?:[.[]|$)/.test(path));
  const error = concerned.find(({ severity, code }) => severity === 'error' && !PASSED_OVER.has(code));
  if (error !== undefined) throw bad(sentenceOf(error), { ...(error.hint && { hint: error.hint }) });
  if (config.install === undefined) return NOTHING;
  const warnings = concerned.filter(({ code }) => !OWN.has(code)).map(sentenceOf);
  return readInstall(config.install, warnings);
}

/** What nothing reads is no reason not to install; it is told. */
const PASSED_OVER: ReadonlySet<string> = new Set(['unknown-key', 'foreign-key']);
/** Of an empty key there is nothing to say here. */
const OWN: ReadonlySet<string> = new Set(['empty']);

/** `config.yaml:3:9: install.auto: what is wrong` */
function sentenceOf({ place, path, message }: Diagnostic): string {
  return `${placeText(place)}: ${path === '' ? '' : `${path}: `}${message}`;
}

function readInstall(install: Install, warnings: readonly string[]): InstallConfig {
  refuse(install);
  const { oem, persistent } = install.partitions ?? {};
  const extra = (install['extra-partitions'] ?? []).map((partition, index) => {
    const path = `install.extra-partitions[${index}]`;
    const label = partition.label ?? partition.name;
    if (label === undefined) throw bad(`${path} has no name`);
    return { label, size: sizeOf(partition, path) ?? 0 };
  });
  const sizes = {
    oem: (oem && sizeOf(oem, 'install.partitions.oem')) || undefined,
    persistent: persistent && sizeOf(persistent, 'install.partitions.persistent'),
  };
  return {
    auto: install.auto === true,
    device: install.device === '' ? undefined : install.device,
    afterwards: install.reboot === true ? 'reboot' : install.poweroff === true ? 'poweroff' : undefined,
    wishes: { ...sizes, extra },
    warnings,
  };
}

/** What would make another system than the one that was asked for. */
function refuse(install: Install): void {
  if (install['no-format'] === true) {
    throw bad('install.no-format cannot be followed: a disk is always partitioned anew', {
      hint: 'Leave it out, and all that the disk holds is lost; or upgrade the system that is on it.',
    });
  }
  if ((install.encrypted_partitions ?? []).length > 0) {
    throw bad('install.encrypted_partitions cannot be followed: partitions are not encrypted yet');
  }
}

/** Sizes are in MiB, as Kairos's. */
function sizeOf({ size, fs }: Partition, path: string): number | undefined {
  if (fs !== undefined && fs !== '' && fs !== 'ext4') {
    throw bad(`${path}.fs is ${JSON.stringify(fs)}: partitions are made as ext4`);
  }
  return size === undefined ? undefined : size * MIB;
}

function bad(what: string, options: { readonly hint?: string } = {}): AgentError {
  return new AgentError('bad-request', `the configuration cannot be used: ${what}`, options);
}
