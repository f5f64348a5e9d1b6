import type { BootRecord } from './record.ts';

/** What the console says of a boot. */
export function describeBoot(record: BootRecord): string {
  return [
    `Cairn: booting ${record.slot}, root ${record.rootHash.slice(0, 16)} verified`,
    ...record.problems.map((problem) => `Cairn: ${problem}`),
  ].join('\n');
}
