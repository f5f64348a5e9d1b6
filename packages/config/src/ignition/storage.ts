import type { Place } from '../place.ts';
import type { MapTree, ScalarTree, Tree } from '../tree.ts';
import { type Contents, readContents } from './contents.ts';
import { listNode, mapNode, scalarNode } from './node.ts';
import type { At, IgnitionReader, Keys } from './reader.ts';

/** What steps are made of. */
export interface Parts {
  readonly directories: Tree[];
  readonly files: Tree[];
  readonly commands: Tree[];
  /** They need the network, and come later. */
  readonly downloads: Tree[];
}

const LATER = 'partitions are not made from a running system here';
const STORAGE: Keys = {
  files: 'read',
  directories: 'read',
  links: 'read',
  disks: { refused: LATER, hint: 'The disk is laid out by cairn install: see install.extra-partitions.' },
  raid: { refused: LATER },
  filesystems: {
    refused: LATER,
    hint: 'The disk is laid out by cairn install: see install.extra-partitions.',
  },
  luks: { refused: 'partitions are not encrypted yet' },
  trees: {
    refused: 'files beside the configuration are not here',
    hint: 'Make it whole first, with Butane: butane --files-dir DIR.',
  },
};
const OWNER: Keys = { id: 'read', name: 'read' };
const COMMON: Keys = { path: 'read', user: 'read', group: 'read', overwrite: 'read' };
const FILE: Keys = {
  ...COMMON,
  mode: 'read',
  contents: 'read',
  append: {
    refused: 'nothing is appended to a file',
    hint: 'Write the file whole, or put a drop-in beside it.',
  },
};
const DIRECTORY: Keys = { ...COMMON, mode: 'read' };
const LINK: Keys = { ...COMMON, target: 'read', hard: 'read' };

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

export function readStorage(reader: IgnitionReader, value: At | undefined, parts: Parts): void {
  const fields = value && reader.map(value, STORAGE);
  for (const each of reader.list(fields?.get('directories'))) readDirectory(reader, each, parts);
  for (const each of reader.list(fields?.get('files'))) readFile(reader, each, parts);
  for (const each of reader.list(fields?.get('links'))) readLink(reader, each, parts);
}

function readDirectory(reader: IgnitionReader, item: At, { directories, commands }: Parts): void {
  const fields = reader.map(item, DIRECTORY);
  const path = fields && reader.required(fields, 'path', item);
  if (fields === undefined || path === undefined) return;
  const { at } = item.tree;
  const { ownerstring, ...numbers } = ownerOf(reader, fields);
  const permissions = modeOf(reader, fields.get('mode'), DIRECTORY_MODE, at);
  directories.push(mapNode({ path, permissions, ...numbers }, at));
  // A folder's step knows owners by number only.
  if (ownerstring !== undefined) {
    commands.push(scalarNode(`chown ${quoted(ownerstring.text)} ${quoted(path.text)}`, at));
  }
}

function readFile(reader: IgnitionReader, item: At, parts: Parts): void {
  const fields = reader.map(item, FILE);
  const path = fields && reader.required(fields, 'path', item);
  if (fields === undefined || path === undefined) return;
  const { at } = item.tree;
  const common = {
    path,
    permissions: modeOf(reader, fields.get('mode'), FILE_MODE, at),
    ...ownerOf(reader, fields),
  };
  const contents = readContents(reader, fields.get('contents'));
  if (contents?.kind === 'url') {
    parts.downloads.push(mapNode({ url: scalarNode(contents.url, at), ...common }, at));
  } else if (contents !== undefined) {
    parts.files.push(mapNode({ ...common, ...contentOf(contents, at) }, at));
  } else if (!fields.has('contents')) {
    // What is there already stays, by Ignition's specification.
    parts.commands.push(scalarNode(`[ -e ${quoted(path.text)} ] || : > ${quoted(path.text)}`, at));
  }
}

function contentOf(contents: Exclude<Contents, { kind: 'url' }>, at: Place) {
  // A text that would be taken for a template goes as base64: Ignition has no templates.
  if (contents.kind === 'inline' && !contents.text.includes('{{'))
    return { content: scalarNode(contents.text, at) };
  const isInline = contents.kind === 'inline';
  const text = isInline ? Buffer.from(contents.text).toString('base64') : contents.text;
  const encoding = !isInline && contents.gzip ? 'gz+b64' : 'b64';
  return { content: scalarNode(text, at), encoding: scalarNode(encoding, at) };
}

function readLink(reader: IgnitionReader, item: At, { commands }: Parts): void {
  const fields = reader.map(item, LINK);
  const path = fields && reader.required(fields, 'path', item);
  const target = fields && reader.required(fields, 'target', item);
  if (fields === undefined || path === undefined || target === undefined) return;
  const isHard = reader.flag(fields.get('hard')) === true;
  const folder = path.text.replace(/\/[^/]*\/*$/, '') || '/';
  const [to, from] = [quoted(path.text), quoted(target.text)];
  const line = `mkdir -p ${quoted(folder)} && ln ${isHard ? '-fT' : '-sfnT'} ${from} ${to}`;
  commands.push(scalarNode(line, item.tree.at));
}

/** JSON has decimal numbers, Butane's YAML octal ones: both are numbers by now. */
function modeOf(reader: IgnitionReader, value: At | undefined, usual: number, at: Place): Tree {
  const scalar = reader.scalar(value);
  const mode = scalar === undefined ? usual : scalar.value;
  if (typeof mode !== 'number' || !Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    const hint =
      reader.dialect === 'butane'
        ? 'Write it octal, such as 0644.'
        : 'Write it decimal, such as 420 for 0644.';
    reader.error(scalar?.at ?? at, value?.path ?? '', `${JSON.stringify(scalar?.text)} is not a mode`, hint);
    return scalarNode(octal(usual), at);
  }
  return scalarNode(octal(mode), scalar?.at ?? at);
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

interface Owner {
  readonly owner?: ScalarTree | undefined;
  readonly group?: ScalarTree | undefined;
  readonly ownerstring?: ScalarTree;
}

function ownerOf(reader: IgnitionReader, fields: ReadonlyMap<string, At>): Owner {
  const [user, group] = ['user', 'group'].map((key) => {
    const value = fields.get(key);
    const parts = value && reader.map(value, OWNER);
    return { id: reader.scalar(parts?.get('id')), name: reader.scalar(parts?.get('name')) };
  });
  if (user?.name !== undefined || group?.name !== undefined) {
    const at = (user?.name ?? group?.name)?.at;
    const [owner, ofGroup] = [user, group].map((each) => each?.name?.text ?? each?.id?.text ?? '0');
    return at === undefined ? {} : { ownerstring: scalarNode(`${owner}:${ofGroup}`, at) };
  }
  return { owner: user?.id, group: group?.id };
}

/** For sh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The step of all of it, or nothing. */
export function stepOf(
  name: string,
  parts: Readonly<Record<string, Tree[] | Tree | undefined>>,
  at: Place,
): MapTree | undefined {
  const values: Record<string, Tree> = {};
  for (const [key, part] of Object.entries(parts)) {
    if (Array.isArray(part)) {
      if (part.length > 0) values[key] = listNode(part, part[0]?.at ?? at);
    } else if (part !== undefined && (part.kind !== 'map' || part.entries.size > 0)) values[key] = part;
  }
  if (Object.keys(values).length === 0) return undefined;
  return mapNode({ name: scalarNode(name, at), ...values }, at);
}
