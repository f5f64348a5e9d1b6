import { boolean, list, object, text, texts } from './kinds.ts';

const sshKeys = texts('SSH keys, or `github:USER`, `gitlab:USER`.', {}, { format: 'ssh-key' });

const common = {
  passwd: text('Password: plain, or a hash of crypt that begins with `$`.', { secret: true }),
  ssh_authorized_keys: sshKeys,
  gecos: text('Full name, or what the account is for.'),
  homedir: text('Home folder; `/home/NAME` unless given.', { format: 'path' }),
  no_create_home: boolean('Makes no home folder.'),
  primary_group: text('Main group, which has to be there; one of its own name unless given.'),
  groups: texts('Further groups that the user belongs to.', { commas: true }),
  no_user_group: boolean('Makes no group of the same name.'),
  system: boolean('A user for a service.'),
  no_log_init: boolean('Leaves the user out of lastlog and faillog.'),
  shell: text('Login shell; `/bin/sh` unless given.', { format: 'path' }),
  lock_passwd: boolean('No login by password: `passwd` is not used.'),
  uid: text('Number of the user; a free one unless given, and the same for good.', { format: 'user-id' }),
};

const INSTEAD = {
  password: 'Write passwd.',
  plain_text_passwd: 'Write passwd.',
  hashed_passwd: 'Write passwd: a hash is taken too.',
  sudo: 'Put the user into the group admin: groups: [admin].',
  home: 'Write homedir.',
  'ssh-authorized-keys': 'Write ssh_authorized_keys.',
  ssh_keys: 'Write ssh_authorized_keys.',
  ssh_key: 'Write ssh_authorized_keys: with a list.',
  authorized_keys: 'Write ssh_authorized_keys.',
  ssh_authorized_key: 'Write ssh_authorized_keys: with a list.',
  ssh_import_id: 'Write ssh_authorized_keys: with github:USER.',
  lockPasswd: 'Write lock_passwd.',
  group: 'Write groups: with a list, or primary_group.',
  'primary-group': 'Write primary_group.',
  gid: 'Write primary_group, and make the group in ensure_entities.',
  coreos_ssh_import_github: 'Write ssh_authorized_keys: with github:USER.',
  coreos_ssh_import_github_users: 'Write ssh_authorized_keys: with github:USER.',
  coreos_ssh_import_url: 'Write the keys into ssh_authorized_keys.',
};

/** A user of a step, where the name is the key. */
export const user = object(
  'A user.',
  { name: text('The key is the name; this has to be the same.'), ...common },
  { rule: 'user', instead: INSTEAD },
);

/** A user of the list of a whole file. */
export const namedUser = object(
  'A user.',
  { name: text('Name to log in with.', { format: 'user-name' }), ...common },
  { rule: 'user', instead: INSTEAD },
);

export const users = list(
  'Users, made in the stage boot; those whose keys come from the network in network.',
  namedUser,
);
export const topSshKeys = texts(
  'SSH keys of all users of this file; of root where it has none.',
  {},
  { format: 'ssh-key' },
);
