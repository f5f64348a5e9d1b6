import { AgentError } from '../error.ts';
import type { Answer, HttpRequest } from './http.ts';
import type { Doors, Found, Provider, ProviderName } from './types.ts';

/**
 * Clouds that tell a machine by HTTP, at an address that only it reaches. Each is what its own documentation says, and what cloud-init's
 * sources do where that is silent.
 */
const LINK_LOCAL = 'http://169.254.169.254';
const GOOGLE = 'http://metadata.google.internal';
const EQUINIX = 'https://metadata.platformequinix.com';

/** What the firmware says of the machine: files of /sys/class/dmi/id, and what is in them there. */
type Marks = readonly (readonly [file: string, says: RegExp])[];

interface Cloud {
  readonly name: ProviderName;
  readonly marks: Marks;
  readonly ask: (ask: Asker) => Promise<Found | undefined>;
}

/** Asks for a path; undefined where there is no such thing: 404. */
class Asker {
  readonly #doors: Doors;
  readonly #signal: AbortSignal;

  constructor(doors: Doors, signal: AbortSignal) {
    this.#doors = doors;
    this.#signal = signal;
  }

  send(url: string, request: HttpRequest = {}): Promise<Answer> {
    return this.#doors.http(url, request, this.#signal);
  }

  async bytes(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Uint8Array | undefined> {
    const { status, body } = await this.send(url, { headers });
    if (status === 200) return body;
    if (status === 404) return undefined;
    throw new AgentError('datasource', `${url} answers with status ${status}`);
  }

  async text(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
    const bytes = await this.bytes(url, headers);
    return bytes && new TextDecoder().decode(bytes).trim();
  }

  /** What only adds to the user's data: that it cannot be had is no reason to go without that. */
  async extra(url: string, headers: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
    try {
      return (await this.text(url, headers)) || undefined;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return undefined;
    }
  }
}

const CLOUDS: readonly Cloud[] = [
  {
    name: 'aws',
    marks: [
      ['sys_vendor', /^Amazon EC2$/],
      ['product_uuid', /^ec2/i],
    ],
    async ask(ask) {
      const headers = await awsToken(ask);
      const place = `${LINK_LOCAL}/latest/user-data`;
      const userData = await ask.bytes(place, headers);
      const key = await ask.extra(`${LINK_LOCAL}/latest/meta-data/public-keys/0/openssh-key`, headers);
      const hostname = await ask.extra(`${LINK_LOCAL}/latest/meta-data/hostname`, headers);
      return { userData, hostname, sshKeys: linesOf(key), place };
    },
  },
  {
    name: 'gcp',
    marks: [['product_name', /^Google( Compute Engine)?$/]],
    async ask(ask) {
      const headers = { 'Metadata-Flavor': 'Google' };
      const instance = `${GOOGLE}/computeMetadata/v1/instance`;
      const place = `${instance}/attributes/user-data`;
      const { status, headers: answered, body } = await ask.send(place, { headers });
      // Whoever else answers at that name is not Google's server.
      if (answered.get('metadata-flavor') !== 'Google') return undefined;
      if (status !== 200 && status !== 404) {
        throw new AgentError('datasource', `${place} answers with status ${status}`);
      }
      const keys = await ask.extra(`${instance}/attributes/ssh-keys`, headers);
      const hostname = await ask.extra(`${instance}/hostname`, headers);
      // NAME:KEY a line.
      const sshKeys = linesOf(keys).map((line) => line.slice(line.indexOf(':') + 1));
      return { userData: status === 200 ? body : undefined, hostname, sshKeys, place };
    },
  },
  {
    name: 'azure',
    marks: [['chassis_asset_tag', /^7783-7084-3265-9085-8269-3286-77$/]],
    async ask(ask) {
      const headers = { Metadata: 'true' };
      const instance = `${LINK_LOCAL}/metadata/instance/compute`;
      const query = '?api-version=2021-01-01&format=text';
      const place = `${instance}/userData${query}`;
      const encoded = await ask.text(place, headers);
      const hostname = await ask.extra(`${instance}/name${query}`, headers);
      const userData = encoded === undefined || encoded === '' ? undefined : base64(encoded, place);
      return { userData, hostname, place };
    },
  },
  {
    name: 'openstack',
    marks: [
      ['product_name', /^OpenStack (?:Nova|Compute)$/],
      ['chassis_asset_tag', /^(?:OpenTelekomCloud|SAP CCloud VM|HUAWEICLOUD|OpenStack (?:Nova|Compute))$/],
    ],
    async ask(ask) {
      const place = `${LINK_LOCAL}/openstack/latest/user_data`;
      const description = await ask.text(`${LINK_LOCAL}/openstack/latest/meta_data.json`);
      if (description === undefined) return undefined;
      return { ...openStackMetadata(description, place), userData: await ask.bytes(place), place };
    },
  },
  {
    name: 'hetzner',
    marks: [['sys_vendor', /^Hetzner$/]],
    async ask(ask) {
      const place = `${LINK_LOCAL}/hetzner/v1/userdata`;
      const userData = await ask.bytes(place);
      const hostname = await ask.extra(`${LINK_LOCAL}/hetzner/v1/metadata/hostname`);
      const keys = await ask.extra(`${LINK_LOCAL}/hetzner/v1/metadata/public-keys`);
      return { userData, hostname, sshKeys: jsonTexts(keys), place };
    },
  },
  {
    name: 'digitalocean',
    marks: [['sys_vendor', /^DigitalOcean$/]],
    async ask(ask) {
      const place = `${LINK_LOCAL}/metadata/v1/user-data`;
      const userData = await ask.bytes(place);
      const hostname = await ask.extra(`${LINK_LOCAL}/metadata/v1/hostname`);
      const keys = await ask.extra(`${LINK_LOCAL}/metadata/v1/public-keys`);
      return { userData, hostname, sshKeys: linesOf(keys), place };
    },
  },
  {
    name: 'vultr',
    marks: [['sys_vendor', /^Vultr$/]],
    async ask(ask) {
      const place = `${LINK_LOCAL}/user-data/user-data`;
      const userData = await ask.bytes(place);
      const hostname = await ask.extra(`${LINK_LOCAL}/latest/meta-data/hostname`);
      return { userData, hostname, place };
    },
  },
  {
    name: 'packet',
    marks: [['sys_vendor', /^(?:Packet|Equinix)/]],
    async ask(ask) {
      const place = `${EQUINIX}/userdata`;
      const userData = await ask.bytes(place);
      return { userData, hostname: await ask.extra(`${EQUINIX}/2009-04-04/meta-data/hostname`), place };
    },
  },
];

/** Session tokens (IMDSv2). A server that has none is of an earlier time: 404, 405. */
async function awsToken(ask: Asker): Promise<Record<string, string>> {
  const url = `${LINK_LOCAL}/latest/api/token`;
  const { status, body } = await ask.send(url, {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '300' },
  });
  if (status === 200) return { 'X-aws-ec2-metadata-token': new TextDecoder().decode(body).trim() };
  if (status === 404 || status === 405 || status === 501) return {};
  throw new AgentError('datasource', `${url} gives no token: status ${status}`, {
    hint: 'Is the metadata service of the instance enabled?',
  });
}

function linesOf(text: string | undefined): string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

export function base64(text: string, place: string): Uint8Array {
  const compact = text.replaceAll(/\s/g, '');
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return Buffer.from(compact, 'base64');
  throw new AgentError('datasource', `${place} is not base64`);
}

/** What `meta_data.json` says, on a config drive too. */
export function openStackMetadata(text: string, place: string): Pick<Found, 'hostname' | 'sshKeys'> {
  const fields = jsonObject(text);
  if (fields === undefined) throw new AgentError('datasource', `meta_data.json beside ${place} is not JSON`);
  const keys = fields['public_keys'];
  return {
    hostname: textOrNothing(fields['hostname']),
    sshKeys: typeof keys === 'object' && keys !== null ? Object.values(keys).filter(isText) : [],
  };
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function jsonTexts(text: string | undefined): string[] {
  return Object.values((text === undefined ? undefined : jsonObject(text)) ?? {}).filter(isText);
}

function textOrNothing(value: unknown): string | undefined {
  return isText(value) && value !== '' ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

const DMI = '/sys/class/dmi/id';
const DMI_LIMIT = 4096;

export const cloudProviders: readonly Provider[] = CLOUDS.map(({ name, marks, ask }) => ({
  name,
  byNetwork: true,
  async detect({ host }) {
    let known = false;
    for (const [file, says] of marks) {
      const text = (await host.files.readText(`${DMI}/${file}`, DMI_LIMIT))?.trim();
      if (text === undefined || text === '') continue;
      known = true;
      if (says.test(text)) return 'here';
    }
    return known ? 'elsewhere' : 'unknown';
  },
  find: async (doors, _options, signal) => ask(new Asker(doors, signal)),
}));
