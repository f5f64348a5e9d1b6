import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CairnError, memorySource, memoryTarget } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import { TarWriter } from '@cairn/tar';
import type { ActionProgress } from '../actions/run.ts';
import { redact } from '../health/redact.ts';
import { PARTS } from './parts.ts';

/** What became of one part of a bundle. */
export interface BundledPart {
  readonly name: string;
  /** In bytes; undefined where it is not in the bundle. */
  readonly size?: number;
  /** Why not. */
  readonly missing?: string;
}

export interface Bundle {
  /** A gzip'ed tar archive. */
  readonly bytes: Uint8Array;
  readonly parts: readonly BundledPart[];
}

export interface BundleOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ActionProgress) => void;
}

/** Of each part the end is kept: that is where things went wrong. */
const PART_LIMIT = 4 << 20;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const compress = promisify(gzip);

/**
 * Gathers what somebody needs who is to find out from afar what is wrong with a machine: status, state, journals of this and
 * the last boots, facts of the hardware. What may be secret is taken out of every line (`redact`), and configurations are told of by
 * name only. What cannot be had is named in `manifest.json`, with the reason; it never fails for one part.
 */
export async function bundleLogs(host: Host, { signal, onProgress }: BundleOptions): Promise<Bundle> {
  const target = memoryTarget();
  const archive = new TarWriter(target, { signal });
  const now = host.clock.now();
  const at = new Date(now).toISOString();
  const mtime = { seconds: Math.floor(now / 1000), nanoseconds: 0 };
  const folder = `cairn-logs-${at.slice(0, 19).replaceAll(':', '-')}`;
  async function add(name: string, text: string): Promise<number> {
    const content = memorySource(new TextEncoder().encode(text));
    await archive.add({ path: `${folder}/${name}`, kind: 'file', mode: 0o600, mtime, content });
    return content.size;
  }

  const parts: BundledPart[] = [];
  for (const [index, part] of PARTS.entries()) {
    const { name } = part;
    signal.throwIfAborted();
    onProgress?.({ phase: 'gather', done: index, total: PARTS.length, note: name });
    try {
      const text = await part.read(host);
      if (text === undefined) parts.push({ name, missing: 'this machine has none' });
      else parts.push({ name, size: await add(name, withoutSecrets(text)) });
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      parts.push({ name, missing: error.message });
    }
  }
  await add('manifest.json', `${JSON.stringify({ formatVersion: 1, at, parts }, undefined, 2)}\n`);
  await archive.finish();
  return { bytes: await compress(target.bytes()), parts };
}

export function withoutSecrets(text: string): string {
  return text
    .slice(-PART_LIMIT)
    .replaceAll(PRIVATE_KEY, '*** a private key ***')
    .split('\n')
    .map(redact)
    .join('\n');
}
