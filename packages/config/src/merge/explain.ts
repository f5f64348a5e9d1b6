import { type Place, positionOf } from '../place.ts';
import { childPath, type ScalarValue, type Tree } from '../tree.ts';

/** A value of a merged configuration, and where it came from. */
export interface Origin {
  readonly path: string;
  readonly value: ScalarValue | readonly [] | Readonly<Record<string, never>>;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Where each value of a configuration came from.
 *
 * @param under only what is at this path or below it
 */
export function explainTree(tree: Tree, under = ''): Origin[] {
  const origins: Origin[] = [];
  const visit = (node: Tree, path: string): void => {
    if (under !== '' && !isBelow(path, under) && !isBelow(under, path)) return;
    if (node.kind === 'scalar') {
      if (isBelow(path, under)) origins.push({ path, value: node.value, ...originOf(node.at) });
      return;
    }
    const children: readonly (readonly [string | number, Tree])[] =
      node.kind === 'list'
        ? [...node.items.entries()]
        : [...node.entries].map(([key, { value }]) => [key, value]);
    if (children.length === 0 && path !== '' && isBelow(path, under)) {
      origins.push({ path, value: node.kind === 'list' ? [] : {}, ...originOf(node.at) });
    }
    for (const [key, child] of children) visit(child, childPath(path, key));
  };
  visit(tree, '');
  return origins;
}

function originOf(at: Place): Pick<Origin, 'file' | 'line' | 'column'> {
  return { file: at.source.file, ...positionOf(at) };
}

function isBelow(path: string, above: string): boolean {
  if (above === '' || path === above) return true;
  return path.startsWith(above) && /[.[]/.test(path.charAt(above.length));
}
