import type { Report } from '../diagnostic.ts';
import { placeText } from '../place.ts';
import { childPath, type Entry, isNull, type ListTree, type MapTree, type Tree } from '../tree.ts';

/**
 * Merges configurations as Kairos's collector does, the later over the earlier: maps deeply; lists of maps one after the other;
 * lists of texts as a union; of anything else the later counts; null empties what was there.
 *
 * @param report is told where a value of one kind meets one of another; the later counts, where Kairos gives up
 */
export function mergeTrees(trees: readonly MapTree[], report: Report): MapTree | undefined {
  const [first, ...rest] = trees;
  if (first === undefined) return undefined;
  return rest.reduce((whole, tree) => mergeMaps(whole, tree, '', report), first);
}

function mergeMaps(a: MapTree, b: MapTree, path: string, report: Report): MapTree {
  const entries = new Map<string, Entry>(a.entries);
  for (const [key, entry] of b.entries) {
    const former = entries.get(key);
    const value =
      former === undefined ? entry.value : mergeTwo(former.value, entry.value, childPath(path, key), report);
    entries.set(key, { at: entry.at, value });
  }
  return { ...a, entries };
}

function mergeTwo(a: Tree, b: Tree, path: string, report: Report): Tree {
  if (isNull(a)) return b;
  if (isNull(b)) return emptied(a, b);
  if (a.kind === 'map' && b.kind === 'map') return mergeMaps(a, b, path, report);
  if (a.kind === 'list' && b.kind === 'list') return mergeLists(a, b);
  if (a.kind !== b.kind) {
    report({
      severity: 'error',
      code: 'conflict',
      place: b.at,
      path,
      message: `this is a ${nameOf(b)}, and a ${nameOf(a)} in ${placeText(a.at)}: the two cannot be merged`,
      hint: 'Give it the same kind in both files.',
      bearable: true,
    });
  }
  return b;
}

function nameOf({ kind }: Tree): string {
  return kind === 'scalar' ? 'text' : kind;
}

/** Kairos's zero value of what was there. */
function emptied(a: Tree, { at }: Tree): Tree {
  if (a.kind === 'map') return { kind: 'map', entries: new Map(), at };
  if (a.kind === 'list') return { kind: 'list', items: [], at };
  return { kind: 'scalar', value: null, text: 'null', plain: true, at };
}

function mergeLists(a: ListTree, b: ListTree): ListTree {
  const [first] = a.items;
  if (first === undefined) return b;
  if (first.kind !== 'scalar') return { ...a, items: [...a.items, ...b.items] };
  const seen = new Set(a.items.map(valueOf));
  const added = b.items.filter((item) => item.kind !== 'scalar' || !seen.has(valueOf(item)));
  return added.length === 0 ? a : { ...a, items: [...a.items, ...added] };
}

function valueOf(tree: Tree): unknown {
  return tree.kind === 'scalar' ? tree.value : tree;
}
