import { type ByteString, compareBytes, toText } from '@cairn/bytes';
import type { Directory, Inode } from '@cairn/tree';
import { DiskError } from '../error.ts';
import { COMPACT_INODE_SIZE, EXTENDED_INODE_SIZE, LAYOUT_PLAIN, NAME_LIMIT } from './format.ts';
import type { StoredInode } from './inode.ts';

/** An inode of the tree on its way into an image. The planner fills in what is not known when it is met. */
export class PlannedInode {
  readonly inode: Inode;
  /** The first name that it was met under, and the directory that has it; the root's parent is the root. */
  readonly name: ByteString;
  readonly parent: PlannedInode;
  /** From 1, in the order of the tree. */
  readonly number: number;
  /** A directory's names in byte order with `.` and `..` among them, and what each leads to. */
  readonly names: readonly ByteString[];
  readonly targets: PlannedInode[];
  links: number;
  size = 0;
  extended = false;
  xattrSize = 0;
  layout: StoredInode['layout'] = LAYOUT_PLAIN;
  /** The power of two of a sparse file's chunks; 0 where there are none. */
  chunkBits = 0;
  /** Where in the image the inode is, in bytes. */
  position = 0;
  /** The first block of the data that is not inline; 0 where all is. */
  block = 0;

  constructor(inode: Inode, name: ByteString, parent: PlannedInode | undefined, number: number) {
    this.inode = inode;
    this.name = name;
    this.parent = parent ?? this;
    this.number = number;
    if (inode.kind === 'directory') {
      this.names = [...inode.entries.keys(), '.', '..'].sort(compareBytes);
      this.targets = [];
      this.links = 2;
    } else {
      this.names = NO_NAMES;
      this.targets = NO_TARGETS;
      this.links = 1;
    }
  }

  /** The bytes of the inode and its extended attributes. */
  get headerSize(): number {
    return (this.extended ? EXTENDED_INODE_SIZE : COMPACT_INODE_SIZE) + this.xattrSize;
  }
}

/** The path that an inode was first met under, for people. */
export function pathOf(node: Readonly<PlannedInode>): string {
  let path = '';
  for (let at = node; at.parent !== at; at = at.parent) path = `/${at.name}${path}`;
  return path === '' ? '/' : toText(path);
}

const NO_NAMES: readonly ByteString[] = [];
const NO_TARGETS: PlannedInode[] = [];

/**
 * Every inode of a tree once, parents first, a directory's in byte order of the names, with its links counted.
 *
 * @throws DiskError `erofs-invalid-request` for a name that Linux does not allow, and for a directory with two names;
 *   `erofs-too-large` for a name that is too long
 */
export function collectInodes(root: Directory): PlannedInode[] {
  const nodes: PlannedInode[] = [];
  const known = new Map<Inode, PlannedInode>();

  function add(inode: Inode, name: ByteString, parent?: PlannedInode): PlannedInode {
    const node = new PlannedInode(inode, name, parent, nodes.length + 1);
    nodes.push(node);
    known.set(inode, node);
    return node;
  }

  // A stack of its own, as a tree from outside may be deeper than the call stack.
  const open = [add(root, '')];
  for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
    const name = node.names[node.targets.length];
    if (name === undefined) {
      open.pop();
    } else if (name === '.' || name === '..') {
      node.targets.push(name === '.' ? node : node.parent);
    } else {
      checkName(name, node);
      const inode = (node.inode as Directory).entries.get(name) as Inode;
      const met = known.get(inode);
      const target = met ?? add(inode, name, node);
      node.targets.push(target);
      if (inode.kind === 'directory') {
        if (met !== undefined) throw directoryTwice(met, node, name);
        node.links++;
        open.push(target);
      } else if (met !== undefined) {
        met.links++;
      }
    }
  }
  for (const node of nodes) checkDots(node);
  return nodes;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a zero byte ends names in Linux
const FORBIDDEN_IN_NAMES = /[/\0]|[^\0-\xff]/;

function checkName(name: ByteString, directory: PlannedInode): void {
  if (name === '' || FORBIDDEN_IN_NAMES.test(name)) {
    throw new DiskError(
      'erofs-invalid-request',
      `${pathOf(directory)}: ${JSON.stringify(name)} cannot be the name of a file`,
    );
  }
  if (name.length > NAME_LIMIT) {
    throw new DiskError(
      'erofs-too-large',
      `${pathOf(directory)}: the name ${toText(name)} has ${name.length} bytes, the limit is ${NAME_LIMIT}`,
    );
  }
}

function checkDots(node: PlannedInode): void {
  if (node.inode.kind !== 'directory') return;
  const { entries } = node.inode;
  if (entries.has('.') || entries.has('..')) {
    throw new DiskError('erofs-invalid-request', `${pathOf(node)}: "." and ".." cannot be names of files`);
  }
}

function directoryTwice(first: PlannedInode, parent: PlannedInode, name: ByteString): DiskError {
  return new DiskError(
    'erofs-invalid-request',
    `the directory ${pathOf(first)} is in the tree a second time, as ${toText(name)} in ${pathOf(parent)}`,
  );
}
