import type { Report } from '../diagnostic.ts';
import type { Place } from '../place.ts';
import { childPath, isNull, type MapTree, type ScalarTree, type Tree } from '../tree.ts';
import { nearest } from '../validate/suggest.ts';
import type { Dialect } from './dialect.ts';

/** What is said of a key that is known and not followed. */
export interface Refused {
  readonly refused: string;
  readonly hint?: string;
  /** It may be left out without harm. */
  readonly harmless?: true;
}

/** `read`, or why it is not. By Ignition's names. */
export type Keys = Readonly<Record<string, 'read' | Refused>>;

/** A value in its place. */
export interface At<T extends Tree = Tree> {
  readonly tree: T;
  readonly path: string;
}

/** Reads an Ignition or Butane configuration, key by key, and tells of each that is not followed. */
export class IgnitionReader {
  readonly #report: Report;
  readonly dialect: Dialect;

  constructor(dialect: Dialect, report: Report) {
    this.dialect = dialect;
    this.#report = report;
  }

  error(place: Place, path: string, message: string, hint?: string, bearable = true): void {
    const more = hint === undefined ? {} : { hint };
    this.#report({ severity: 'error', code: 'bad-value', place, path, message, ...more, bearable });
  }

  /** The values of a map by Ignition's names, as far as they are known; undefined where it is no map. */
  map({ tree, path }: At, keys: Keys): ReadonlyMap<string, At> | undefined {
    if (isNull(tree)) return undefined;
    if (tree.kind !== 'map') {
      this.error(tree.at, path, 'it is not a map of keys and values');
      return undefined;
    }
    const found = new Map<string, At>();
    for (const [written, { at, value }] of tree.entries) {
      const key = this.dialect === 'butane' ? camelCase(written) : written;
      const inner = childPath(path, written);
      const known = this.dialect === 'butane' && snakeCase(written) !== written ? undefined : keys[key];
      if (known === 'read') {
        if (!isNull(value)) found.set(key, { tree: value, path: inner });
      } else if (known === undefined) {
        this.#unknown(at, inner, written, keys);
      } else if (!isEmpty(value)) {
        this.#refuse(at, inner, known);
      }
    }
    return found;
  }

  #unknown(place: Place, path: string, written: string, keys: Keys): void {
    const names = Object.keys(keys).map((key) => (this.dialect === 'butane' ? snakeCase(key) : key));
    const other = this.dialect === 'butane' ? snakeCase(written) : camelCase(written);
    const near = names.includes(other) ? other : nearest(written, names);
    this.#report({
      severity: 'error',
      code: 'unknown-key',
      place,
      path,
      message: `there is no key ${JSON.stringify(written)}`,
      hint: near === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${near}?`,
      bearable: true,
    });
  }

  #refuse(place: Place, path: string, { refused, hint, harmless }: Refused): void {
    this.#report({
      severity: harmless === true ? 'warning' : 'error',
      code: 'no-effect',
      place,
      path,
      message: refused,
      ...(hint === undefined ? {} : { hint }),
      bearable: true,
    });
  }

  list(value: At | undefined): At[] {
    if (value === undefined) return [];
    const { tree, path } = value;
    if (tree.kind === 'list')
      return tree.items.map((item, index) => ({ tree: item, path: childPath(path, index) }));
    this.error(tree.at, path, 'it is not a list');
    return [];
  }

  scalar(value: At | undefined): ScalarTree | undefined {
    if (value === undefined) return undefined;
    const { tree, path } = value;
    if (tree.kind === 'scalar') return tree;
    this.error(tree.at, path, `it is a ${tree.kind}, and has to be a text or a number`);
    return undefined;
  }

  flag(value: At | undefined): boolean | undefined {
    const scalar = this.scalar(value);
    if (scalar === undefined || typeof scalar.value === 'boolean')
      return scalar?.value as boolean | undefined;
    this.error(scalar.at, value?.path ?? '', `${JSON.stringify(scalar.text)} is neither true nor false`);
    return undefined;
  }

  /** A key that has to be there. */
  required(values: ReadonlyMap<string, At>, key: string, { tree, path }: At): ScalarTree | undefined {
    const value = values.get(key);
    if (value !== undefined) return this.scalar(value);
    this.error(tree.at, path, `${key} is missing`, undefined, false);
    return undefined;
  }
}

function isEmpty(tree: Tree): boolean {
  if (tree.kind === 'list') return tree.items.length === 0;
  return tree.kind === 'map' ? tree.entries.size === 0 : tree.value === null;
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The value of a map, as it is. */
export function entryOf(tree: MapTree, key: string): At | undefined {
  const value = tree.entries.get(key)?.value;
  return value === undefined || isNull(value) ? undefined : { tree: value, path: key };
}
