import { setTimeout as wait } from 'node:timers/promises';
import { realFiles } from './files.ts';
import { realPrograms } from './programs.ts';
import type { Host } from './types.ts';

/** The machine this process runs on. */
export function realHost(): Host {
  return {
    files: realFiles(),
    programs: realPrograms(),
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      sleep: (milliseconds, signal) => wait(milliseconds, undefined, signal === undefined ? {} : { signal }),
    },
    environment: process.env,
  };
}
