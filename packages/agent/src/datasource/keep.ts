import { CairnError } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { stringify } from 'yaml';
import { type Content, readContent } from './content.ts';
import type { Found } from './types.ts';

/** Kairos's: it comes after what the node was installed with. */
export const USER_DATA_FOLDER = '/oem/95_userdata';
export const USER_DATA_NAME = 'userdata.yaml';
const METADATA_NAME = 'metadata.yaml';
/** In memory, where programs may be run. */
const SCRIPT = '/run/cairn/user-data';

const WHOLE_LINES = { lineWidth: 0 } as const;

/** A file of configuration, by its name in the folder. */
export interface Kept {
  readonly name: string;
  readonly text: string;
}

/** Pure: what is kept of what was found. @throws AgentError `datasource` for user data that is not understood */
export function configsOf(found: Found, name: string = USER_DATA_NAME): Kept[] {
  const contents = found.userData === undefined ? [] : readContent(found.userData, found.place);
  const parts = contents.map((content, index) => ({
    name: index === 0 ? name : name.replace(/(\.ya?ml)?$/, `-${index + 1}$1`),
    text: configOf(content),
  }));
  const { hostname, sshKeys = [] } = found;
  if (hostname === undefined && sshKeys.length === 0) return parts;
  const known = {
    ...(hostname === undefined ? {} : { hostname }),
    ...(sshKeys.length === 0 ? {} : { ssh_authorized_keys: [...sshKeys] }),
  };
  // It comes first in the folder: what the user's data says counts.
  return [{ name: METADATA_NAME, text: `#cloud-config\n${stringify(known, WHOLE_LINES)}` }, ...parts];
}

function configOf({ kind, text }: Content): string {
  // Ignition's is read as it is.
  return kind === 'script' ? `#cloud-config\n${stringify(scriptStage(text), WHOLE_LINES)}` : text;
}

function scriptStage(text: string): object {
  const step = {
    name: 'the user data, which is a program',
    files: [{ path: SCRIPT, permissions: '0700', content: text }],
    commands: [SCRIPT],
  };
  return { stages: { network: [step] } };
}

/**
 * Keeps configurations on the node, in place of those of an earlier boot; a file that is as it was is not written.
 *
 * @returns the files that have changed
 */
export async function keepConfigs(files: Files, configs: readonly Kept[]): Promise<string[]> {
  await files.makeDirectory(USER_DATA_FOLDER, 0o700);
  const changed: string[] = [];
  for (const { name, text } of configs) {
    const path = `${USER_DATA_FOLDER}/${name}`;
    if ((await readOrNothing(files, path)) === text) continue;
    await files.replace(path, text, 0o600);
    changed.push(path);
  }
  for (const name of await files.list(USER_DATA_FOLDER)) {
    if (configs.some((each) => each.name === name)) continue;
    await files.remove(`${USER_DATA_FOLDER}/${name}`);
    changed.push(`${USER_DATA_FOLDER}/${name}`);
  }
  return changed;
}

async function readOrNothing(files: Files, path: string): Promise<string | undefined> {
  try {
    return await files.readText(path);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return undefined;
  }
}
