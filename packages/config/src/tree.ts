import type { Place } from './place.ts';

/** What a YAML text says, with the place of everything: aliases and merge keys are resolved, nothing is typed by a schema yet. */
export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: Place;
}

export interface Entry {
  /** Of the key. */
  readonly at: Place;
  readonly value: Tree;
}

export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly at: Place;
}

export type ScalarValue = string | number | boolean | null;

export interface ScalarTree {
  readonly kind: 'scalar';
  /** As Kairos's Go library resolves it where no type is asked for. */
  readonly value: ScalarValue;
  /** As it is written, without quotes. */
  readonly text: string;
  /** Neither quoted nor a block: what YAML may take for a number or a yes. */
  readonly plain: boolean;
  readonly at: Place;
}

export function isNull(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}

/** The value without its places. */
export function plainOf(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plainOf);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainOf(value)]));
}

/** `a.b[0].c`; a key that has a point or a space in it is quoted. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const shown = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? shown : `${path}.${shown}`;
}
