import type { Content } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { MAX_LEVELS } from './format.ts';
import { aliasesOf, checkName, compareAliases } from './names.ts';

/** Where a file's bytes come from. */
export type IsoBytes =
  /** They are placed and written along with the volume. */
  | { readonly content: Content }
  /** They are a part of a partition, which others write. `offset` is a multiple of 2048. */
  | { readonly partition: string; readonly offset: number; readonly size: number };

export type IsoFile = IsoBytes & {
  /** Names separated by `/`; the folders in between are made. */
  readonly path: string;
};

export interface FileNode {
  readonly kind: 'file';
  readonly path: string;
  readonly file: IsoFile;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  /** Empty for the root. */
  readonly path: string;
  /** Undefined for the root. */
  readonly parent: DirectoryNode | undefined;
  readonly children: Map<string, IsoNode>;
}

export type IsoNode = DirectoryNode | FileNode;

/** A name of a folder, the one that it has without Rock Ridge, and what it names. */
export interface NamedNode {
  readonly name: string;
  readonly alias: string;
  readonly node: IsoNode;
}

/** @throws DiskError `iso-bad-name` for names that cannot be, that come twice, or folders that are too deep */
export function growTree(files: readonly IsoFile[]): DirectoryNode {
  const root: DirectoryNode = { kind: 'directory', path: '', parent: undefined, children: new Map() };
  for (const file of files) {
    const path = file.path.replace(/^\//, '');
    const names = path.split('/');
    const last = names.pop() ?? '';
    if (names.length >= MAX_LEVELS) {
      throw new DiskError('iso-bad-name', `"${path}" lies in more than ${MAX_LEVELS - 1} folders`);
    }
    let directory = root;
    for (const name of names) directory = enter(directory, name, path);
    checkName(last, path);
    if (directory.children.has(last)) throw nameTaken(path);
    directory.children.set(last, { kind: 'file', path, file });
  }
  return root;
}

function enter(parent: DirectoryNode, name: string, path: string): DirectoryNode {
  checkName(name, path);
  const found = parent.children.get(name);
  if (found?.kind === 'file') throw nameTaken(path);
  if (found !== undefined) return found;
  const own = parent.path === '' ? name : `${parent.path}/${name}`;
  const node: DirectoryNode = { kind: 'directory', path: own, parent, children: new Map() };
  parent.children.set(name, node);
  return node;
}

function nameTaken(path: string): DiskError {
  return new DiskError('iso-bad-name', `"${path}" is there twice, or is both a file and a folder`);
}

/** A folder's names in the order of their records. */
export function namedNodes(directory: DirectoryNode): NamedNode[] {
  const children = [...directory.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const aliases = aliasesOf(children.map(([name, node]) => ({ name, isFile: node.kind === 'file' })));
  return children
    .map(([name, node], index) => ({ name, alias: aliases[index] ?? '', node }))
    .sort((a, b) => compareAliases(a.alias, b.alias));
}
