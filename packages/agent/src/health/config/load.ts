import { CairnError } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { AgentError } from '../../error.ts';
import { parseHealth } from './parse.ts';
import { DEFAULT_DEADLINE_MS, type HealthConfig, type HealthPart } from './types.ts';

/** Kairos's, in its order: what comes later wins. */
export const CONFIG_FOLDERS = ['/system/oem', '/etc/kairos', '/usr/local/cloud-config', '/oem'] as const;
const LIMIT = 1 << 20;

/**
 * Reads `health:` of all configuration files: lists one after the other, of all else the last counts.
 *
 * @throws AgentError `bad-config` with file, line and reason
 */
export async function loadHealthConfig(files: Files): Promise<HealthConfig> {
  const parts: HealthPart[] = [];
  for (const folder of CONFIG_FOLDERS) {
    for (const name of await files.list(folder)) {
      if (!/\.ya?ml$/.test(name)) continue;
      const part = await loadPart(files, `${folder}/${name}`);
      if (part !== undefined) parts.push(part);
    }
  }
  return mergeHealth(parts);
}

async function loadPart(files: Files, path: string): Promise<HealthPart | undefined> {
  if ((await files.stat(path))?.kind !== 'file') return undefined;
  let text: string | undefined;
  try {
    text = await files.readText(path, LIMIT);
  } catch (cause) {
    if (!(cause instanceof CairnError)) throw cause;
    throw new AgentError('bad-config', `${path} cannot be read: ${cause.message}`, { cause });
  }
  return text === undefined ? undefined : parseHealth(text, path);
}

export function mergeHealth(parts: readonly HealthPart[]): HealthConfig {
  return {
    deadlineMs:
      parts.findLast(({ deadlineMs }) => deadlineMs !== undefined)?.deadlineMs ?? DEFAULT_DEADLINE_MS,
    allowFailed: parts.flatMap(({ allowFailed }) => allowFailed),
    checks: parts.flatMap(({ checks }) => checks),
  };
}
