import type { Host } from '@cairn/host';
import type { Http } from './http.ts';

/** The names that `datasource.providers` of a configuration has (`@cairn/config`), as Kairos's. */
export const PROVIDERS = [
  'cdrom',
  'config-drive',
  'firmware',
  'cmdline',
  'file',
  'vmware',
  'aws',
  'azure',
  'gcp',
  'openstack',
  'hetzner',
  'digitalocean',
  'vultr',
  'packet',
] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** What the place where a machine runs tells it. */
export interface Found {
  /** Undefined where it says nothing: then only what is known of the machine counts. */
  readonly userData: Uint8Array | undefined;
  readonly hostname?: string | undefined;
  /** In the form of authorized_keys(5). */
  readonly sshKeys?: readonly string[];
  /** Where it was: a URL, a device, a file. */
  readonly place: string;
}

/** What providers look at. */
export interface Doors {
  readonly host: Host;
  readonly http: Http;
}

export interface ProviderOptions {
  /** Of the provider `file`. */
  readonly path?: string | undefined;
}

/**
 * One way to be told. `find` gives undefined where it is not what this machine has, and throws AgentError `datasource` where
 * it is, and cannot be read.
 */
export interface Provider {
  readonly name: ProviderName;
  /** It asks a server, which may be somebody else's, or come up later. */
  readonly byNetwork?: true;
  /**
   * What the machine's firmware says of it: `here` this is its cloud, `elsewhere` it is not, `unknown` it cannot be told.
   */
  detect(doors: Doors): Promise<'here' | 'elsewhere' | 'unknown'>;
  find(doors: Doors, options: ProviderOptions, signal: AbortSignal): Promise<Found | undefined>;
}
