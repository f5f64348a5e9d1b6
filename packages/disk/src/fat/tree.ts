import type { Content } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { checkName, foldCase, type StoredName, storeNames } from './names.ts';

export interface FatFile {
  /** Names separated by `/`; the folders in between are made. */
  readonly path: string;
  readonly content: Content;
}

export interface FileNode extends FatFile {
  readonly kind: 'file';
}

export interface DirectoryNode {
  readonly kind: 'directory';
  /** Empty for the root. */
  readonly path: string;
  /** Undefined for the root. */
  readonly parent: DirectoryNode | undefined;
  /** By name with its case folded. */
  readonly children: Map<string, Child>;
}

export type FatNode = DirectoryNode | FileNode;

interface Child {
  readonly name: string;
  readonly node: FatNode;
}

/** A name of a folder with its alias, and what it names. */
export interface NamedNode {
  readonly stored: StoredName;
  readonly node: FatNode;
}

/** @throws DiskError `fat-bad-name` for names that FAT cannot hold or takes for the same */
export function growTree(files: readonly FatFile[]): DirectoryNode {
  const root: DirectoryNode = { kind: 'directory', path: '', parent: undefined, children: new Map() };
  for (const file of files) {
    const names = file.path.replace(/^\//, '').split('/');
    const last = names.pop() ?? '';
    let directory = root;
    for (const name of names) directory = enter(directory, name, file.path);
    checkName(last, file.path);
    const other = directory.children.get(foldCase(last));
    if (other !== undefined) throw nameTaken(file.path, other.node.path);
    directory.children.set(foldCase(last), { name: last, node: { kind: 'file', ...file } });
  }
  return root;
}

function enter(parent: DirectoryNode, name: string, path: string): DirectoryNode {
  checkName(name, path);
  const found = parent.children.get(foldCase(name));
  if (found === undefined) {
    const node: DirectoryNode = {
      kind: 'directory',
      path: parent.path === '' ? name : `${parent.path}/${name}`,
      parent,
      children: new Map(),
    };
    parent.children.set(foldCase(name), { name, node });
    return node;
  }
  if (found.node.kind !== 'directory' || found.name !== name) throw nameTaken(path, found.node.path);
  return found.node;
}

function nameTaken(path: string, other: string): DiskError {
  return new DiskError('fat-bad-name', `"${path}" and "${other}" are the same name on FAT`, {
    hint: 'FAT does not tell upper from lower case, nor a file from a folder of the same name.',
  });
}

/** All folders, parents before children, and all files; both in the order of the folded names. */
export function inOrder(root: DirectoryNode): { directories: DirectoryNode[]; files: FileNode[] } {
  const directories = [root];
  const files: FileNode[] = [];
  for (const directory of directories) {
    for (const { node } of sortedChildren(directory)) {
      if (node.kind === 'directory') directories.push(node);
      else files.push(node);
    }
  }
  return { directories, files };
}

export function namedNodes(directory: DirectoryNode): NamedNode[] {
  const children = sortedChildren(directory);
  const stored = storeNames(children.map((child) => child.name));
  return children.map(({ node }, index) => ({ stored: stored[index] as StoredName, node }));
}

function sortedChildren(directory: DirectoryNode): Child[] {
  return [...directory.children].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, child]) => child);
}
