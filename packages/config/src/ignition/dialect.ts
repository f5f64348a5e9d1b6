import type { MapTree } from '../tree.ts';

/** Ignition's own JSON, or Butane's YAML, which is made into it. */
export type Dialect = 'ignition' | 'butane';

/** Which of the two a map is; undefined for one of ours. */
export function dialectOf({ entries }: MapTree): Dialect | undefined {
  if (entries.get('ignition')?.value.kind === 'map' && !entries.has('variant')) return 'ignition';
  return entries.has('variant') && entries.has('version') ? 'butane' : undefined;
}
