import { setTimeout as wait } from 'node:timers/promises';
import { realFiles } from './files.ts';
import { realPrograms } from './programs.ts';
import type { Host } from './types.ts';

async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await wait(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause;
  }
}

/** The machine this process runs on. */
export function realHost(): Host {
  return {
    files: realFiles(),
    programs: realPrograms(),
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      sleep,
    },
    environment: process.env,
  };
}
