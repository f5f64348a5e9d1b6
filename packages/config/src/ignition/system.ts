import type { Tree } from '../tree.ts';
import { listNode, mapNode, scalarNode } from './node.ts';
import type { At, IgnitionReader, Keys } from './reader.ts';

const SYSTEMD: Keys = { units: 'read' };
const UNIT: Keys = {
  name: 'read',
  enabled: 'read',
  mask: 'read',
  contents: 'read',
  contentsLocal: { refused: 'files beside the configuration are not here', hint: 'Write contents.' },
  dropins: 'read',
  enable: { refused: 'enable is of an earlier version', hint: 'Write enabled.' },
};
const DROPIN: Keys = {
  name: 'read',
  contents: 'read',
  contentsLocal: { refused: 'files beside the configuration are not here', hint: 'Write contents.' },
};
const UNITS = '/etc/systemd/system';

/** What units come to. */
export interface Units {
  readonly files: Tree[];
  readonly enable: Tree[];
  readonly disable: Tree[];
  readonly mask: Tree[];
}

export function readUnits(reader: IgnitionReader, value: At | undefined, units: Units): void {
  const fields = value && reader.map(value, SYSTEMD);
  for (const item of reader.list(fields?.get('units'))) {
    const unit = reader.map(item, UNIT);
    const name = unit && reader.required(unit, 'name', item);
    if (unit === undefined || name === undefined) continue;
    const contents = reader.scalar(unit.get('contents'));
    if (contents !== undefined) units.files.push(unitFile(`${UNITS}/${name.text}`, contents));
    for (const each of reader.list(unit.get('dropins'))) {
      const dropin = reader.map(each, DROPIN);
      const file = dropin && reader.required(dropin, 'name', each);
      const text = reader.scalar(dropin?.get('contents'));
      if (file !== undefined && text !== undefined) {
        units.files.push(unitFile(`${UNITS}/${name.text}.d/${file.text}`, text));
      }
    }
    const enabled = reader.flag(unit.get('enabled'));
    if (enabled === true) units.enable.push(name);
    if (enabled === false) units.disable.push(name);
    if (reader.flag(unit.get('mask')) === true) units.mask.push(name);
  }
}

function unitFile(path: string, contents: Extract<Tree, { kind: 'scalar' }>): Tree {
  const { at, text } = contents;
  const isTemplate = text.includes('{{');
  return mapNode(
    {
      path: scalarNode(path, at),
      permissions: scalarNode('0644', at),
      content: isTemplate ? scalarNode(Buffer.from(text).toString('base64'), at) : contents,
      encoding: isTemplate ? scalarNode('b64', at) : undefined,
    },
    at,
  );
}

const PASSWD: Keys = { users: 'read', groups: 'read' };
const GONE = {
  refused: 'users and groups of the image are not taken away here',
  hint: 'Leave them out of the image.',
};
/** Ignition's names, and ours. */
const USER_NAMES: Readonly<Record<string, string>> = {
  passwordHash: 'passwd',
  sshAuthorizedKeys: 'ssh_authorized_keys',
  uid: 'uid',
  gecos: 'gecos',
  homeDir: 'homedir',
  noCreateHome: 'no_create_home',
  primaryGroup: 'primary_group',
  groups: 'groups',
  noUserGroup: 'no_user_group',
  shell: 'shell',
  noLogInit: 'no_log_init',
  system: 'system',
};
const USER: Keys = {
  name: 'read',
  ...Object.fromEntries(Object.keys(USER_NAMES).map((key) => [key, 'read'] as const)),
  shouldExist: 'read',
  sshAuthorizedKeysLocal: { refused: 'files beside the configuration are not here', hint: 'Write the keys.' },
};
const GROUP: Keys = { name: 'read', gid: 'read', passwordHash: 'read', system: 'read', shouldExist: 'read' };

/** Users by name, and groups as entries of their database. */
export function readPasswd(
  reader: IgnitionReader,
  value: At | undefined,
): { readonly users: Readonly<Record<string, Tree>>; readonly groups: Tree[] } {
  const fields = value && reader.map(value, PASSWD);
  const users: Record<string, Tree> = {};
  for (const item of reader.list(fields?.get('users'))) {
    const user = reader.map(item, USER);
    const name = user && reader.required(user, 'name', item);
    if (user === undefined || name === undefined || !staysThere(reader, user)) continue;
    const ours = Object.entries(USER_NAMES).map(([key, own]) => [own, user.get(key)?.tree] as const);
    users[name.text] = mapNode(Object.fromEntries(ours), name.at);
  }
  const groups: Tree[] = [];
  for (const item of reader.list(fields?.get('groups'))) {
    const group = reader.map(item, GROUP);
    const name = group && reader.required(group, 'name', item);
    if (group === undefined || name === undefined || !staysThere(reader, group)) continue;
    const lines = [
      'kind: "group"',
      `group_name: ${JSON.stringify(name.text)}`,
      `password: ${JSON.stringify(reader.scalar(group.get('passwordHash'))?.text ?? '')}`,
      ...(group.has('gid') ? [`gid: ${reader.scalar(group.get('gid'))?.text}`] : []),
    ];
    groups.push(mapNode({ entity: scalarNode(`${lines.join('\n')}\n`, name.at) }, name.at));
  }
  return { users, groups };
}

function staysThere(reader: IgnitionReader, fields: ReadonlyMap<string, At>): boolean {
  const wanted = fields.get('shouldExist');
  if (reader.flag(wanted) !== false) return true;
  reader.error(
    wanted?.tree.at ?? { source: { file: '', text: '' }, offset: 0 },
    wanted?.path ?? '',
    GONE.refused,
    GONE.hint,
  );
  return false;
}

export function systemctlOf({ enable, disable, mask }: Units, at: Tree['at']): Tree {
  const listed = (items: Tree[]) => (items.length === 0 ? undefined : listNode(items, items[0]?.at ?? at));
  return mapNode({ enable: listed(enable), disable: listed(disable), mask: listed(mask) }, at);
}
