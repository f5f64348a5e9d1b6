import { join } from 'node:path';
import type { Host } from '@cairn/host';
import { CAIRN, SERIAL_CONSOLE } from '../../e2e/support/build.ts';
import { measure, type Usage } from '../support/measure.ts';

/** Below the work folder: what our side makes. */
export const OURS = 'ours';

/** `cairn build` as a user runs it, from a clone. */
export async function buildOurs(
  host: Host,
  tarFile: string,
  work: string,
  signal: AbortSignal,
): Promise<Usage> {
  const out = join(work, OURS);
  await host.files.remove(out);
  await flushAll(host, signal);
  const argv = [
    ...CAIRN,
    'build',
    `tar:${tarFile}`,
    '-o',
    out,
    '--format',
    'raw',
    '--cmdline',
    SERIAL_CONSOLE,
  ];
  return measure(host, argv, { folder: work, signal });
}

/** Nobody's run is to wait for what was written before it. */
export async function flushAll(host: Host, signal: AbortSignal): Promise<void> {
  await host.programs.run(['sync'], { signal });
}
