import type { Host } from '@cairn/host';
import { parse } from 'yaml';
import { RUN } from '../boot/places.ts';
import { AgentError } from '../error.ts';
import { mustRun } from '../node/programs.ts';
import { openStackMetadata } from './cloud.ts';
import { ANSWER_LIMIT } from './http.ts';
import type { Found, Provider, ProviderName } from './types.ts';

/** Discs and sticks that carry a configuration, known by the label of their file system. */
interface Medium {
  readonly name: ProviderName;
  readonly labels: readonly string[];
  /** @param folder where it is mounted, @param device for messages */
  readonly read: (host: Host, folder: string, device: string) => Promise<Found | undefined>;
}

const MEDIA: readonly Medium[] = [
  {
    // NoCloud, as cloud-init has it.
    name: 'cdrom',
    labels: ['cidata', 'CIDATA'],
    async read({ files }, folder, device) {
      const userData = await files.read(`${folder}/user-data`, ANSWER_LIMIT);
      const about = await files.readText(`${folder}/meta-data`, ANSWER_LIMIT);
      if (userData === undefined && about === undefined) return undefined;
      return { ...noCloudMetadata(about ?? '', device), userData, place: `user-data on ${device}` };
    },
  },
  {
    // OpenStack's config drive.
    name: 'config-drive',
    labels: ['config-2', 'CONFIG-2'],
    async read({ files }, folder, device) {
      const place = `openstack/latest/user_data on ${device}`;
      const userData = await files.read(`${folder}/openstack/latest/user_data`, ANSWER_LIMIT);
      const about = await files.readText(`${folder}/openstack/latest/meta_data.json`, ANSWER_LIMIT);
      if (userData === undefined && about === undefined) return undefined;
      return { ...(about === undefined ? {} : openStackMetadata(about, place)), userData, place };
    },
  },
];

const MEDIUM_OPTIONS = 'ro,nodev,nosuid,noexec';

export const mediaProviders: readonly Provider[] = MEDIA.map(({ name, labels, read }) => ({
  name,
  detect: async () => 'unknown',
  async find({ host }) {
    const device = await deviceLabelled(host, labels);
    if (device === undefined) return undefined;
    const folder = `${RUN}/media/${name}`;
    await host.files.makeDirectory(folder, 0o700);
    await mustRun(host, ['mount', '-o', MEDIUM_OPTIONS, device, folder]);
    try {
      return await read(host, folder, device);
    } finally {
      await mustRun(host, ['umount', folder]);
    }
  },
}));

/** udev has links for them. The first label that there is counts. */
async function deviceLabelled({ files }: Host, labels: readonly string[]): Promise<string | undefined> {
  for (const label of labels) {
    const link = `/dev/disk/by-label/${label}`;
    if ((await files.lstat(link)) !== undefined) return link;
  }
  return undefined;
}

function noCloudMetadata(text: string, device: string): Pick<Found, 'hostname' | 'sshKeys'> {
  let fields: unknown;
  try {
    fields = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new AgentError('datasource', `meta-data on ${device} is not YAML`, { cause });
  }
  if (typeof fields !== 'object' || fields === null) return {};
  const { 'local-hostname': local, hostname, 'public-keys': keys } = fields as Record<string, unknown>;
  const name = [local, hostname].find((each) => typeof each === 'string' && each !== '');
  const listed = typeof keys === 'object' && keys !== null ? Object.values(keys) : [];
  return {
    hostname: name as string | undefined,
    sshKeys: listed.filter((key): key is string => typeof key === 'string'),
  };
}
