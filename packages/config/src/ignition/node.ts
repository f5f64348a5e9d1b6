import type { Place } from '../place.ts';
import type { Entry, ListTree, MapTree, ScalarTree, ScalarValue, Tree } from '../tree.ts';

/** Trees that are made of others: each part keeps the place of what it comes from. */

export function scalarNode(value: ScalarValue, at: Place): ScalarTree {
  return { kind: 'scalar', value, text: String(value), plain: typeof value !== 'string', at };
}

export function listNode(items: readonly Tree[], at: Place): ListTree {
  return { kind: 'list', items, at };
}

/** Without those that are undefined. */
export function mapNode(values: Readonly<Record<string, Tree | undefined>>, at: Place): MapTree {
  const entries = new Map<string, Entry>();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) entries.set(key, { at: value.at, value });
  }
  return { kind: 'map', entries, at };
}
