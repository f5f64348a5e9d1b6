import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Host } from '@cairn/host';
import { measure } from '../support/measure.ts';
import { flushAll } from './ours.ts';

/** What nobody can be faster than who hashes the image's bytes once and writes them once. */
export interface Limits {
  readonly hashSeconds: number;
  readonly copySeconds: number;
}

const CHUNK = 1 << 20;

export async function measureLimits(
  host: Host,
  tarFile: string,
  work: string,
  signal: AbortSignal,
): Promise<Limits> {
  const hashSeconds = await hashOnce(host, tarFile, signal);
  const copied = join(work, 'copied');
  try {
    await host.files.remove(copied);
    await flushAll(host, signal);
    const argv = ['cp', '--reflink=never', '--sparse=never', tarFile, copied];
    const { seconds } = await measure(host, argv, { folder: work, signal });
    return { hashSeconds, copySeconds: seconds };
  } finally {
    await host.files.remove(copied);
  }
}

async function hashOnce(host: Host, path: string, signal: AbortSignal): Promise<number> {
  await using file = await host.files.open(path, 'read');
  const start = host.clock.monotonic();
  const digest = createHash('sha256');
  const chunk = new Uint8Array(CHUNK);
  for (let position = 0; position < file.size; ) {
    const count = await file.read(position, chunk, signal);
    if (count === 0) break;
    digest.update(chunk.subarray(0, count));
    position += count;
  }
  digest.digest();
  return (host.clock.monotonic() - start) / 1000;
}
