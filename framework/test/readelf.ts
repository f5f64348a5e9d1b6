import type { ElfDependencies } from '../src/elf.ts';
import { tool } from './machine.ts';

/** What readelf of binutils says of a file. */
export function readelf(path: string): ElfDependencies {
  const text = tool(['readelf', '--wide', '--program-headers', '--dynamic', path]);
  return {
    interpreter: /\[Requesting program interpreter: (.*)\]/.exec(text)?.[1],
    needed: [...text.matchAll(/\(NEEDED\)\s+Shared library: \[(.*)\]/g)].map((match) => match[1] ?? ''),
  };
}
