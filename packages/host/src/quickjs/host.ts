import * as os from 'quickjs:os';
import type { EarlyHost } from '../types.ts';
import { quickFiles } from './files.ts';
import { quickPrograms } from './programs.ts';

/** The machine this runs on, where the engine is QuickJS and not Node: in the initrd. */
export function quickHost(): EarlyHost {
  const programs = quickPrograms();
  return {
    programs,
    files: quickFiles(programs),
    clock: { now: () => Date.now(), monotonic: () => os.now() },
  };
}
