import { boolean, choice, integer, list, mapOf, mode, object, text, textMap, texts } from './kinds.ts';
import { user } from './users.ts';

/** A step of a stage: yip's `schema.Stage`, key by key, in the order in which their kinds are carried out. */

const TEMPLATED = { templated: true } as const;

const BY_NAME = { typeHint: 'Write ownerstring: USER:GROUP, or a number.' } as const;

const owner = {
  owner: integer('Number of the user who owns it; 0 unless given.', -1, 0xffff_fffe, BY_NAME),
  group: integer('Number of the group that owns it; 0 unless given.', -1, 0xffff_fffe, BY_NAME),
};
const ownerstring = text('Owner by name: `user` or `user:group`. Counts more than `owner` and `group`.');
const OWNER_NAME = { owner_string: 'Write ownerstring, in one word.', user: 'Write ownerstring: NAME.' };

const dns = object('Writes resolv.conf.', {
  nameservers: texts('Addresses of name servers.', {}, { format: 'ip' }),
  search: texts('Domains to look in.'),
  options: texts('Options of the resolver, such as `ndots:1`.'),
  path: text('The file; `/etc/resolv.conf` unless given.', { format: 'path' }),
});

const download = object(
  'A file from the network.',
  {
    url: text('Where it is, http or https. Its certificate is verified.', {
      format: 'web-url',
      ...TEMPLATED,
    }),
    path: text('Where it is written to.', { format: 'path', ...TEMPLATED }),
    permissions: mode('Mode, octal; only root may read it unless given.'),
    ...owner,
    ownerstring,
    timeout: integer('Seconds to wait at most.', 0, 86_400),
  },
  {
    rule: 'download',
    instead: { ...OWNER_NAME, permission: 'Write permissions.', mode: 'Write permissions.' },
  },
);

const git = object(
  'A clone of a git repository.',
  {
    url: text('Of the repository.', { format: 'url' }),
    path: text('The folder that it is cloned to.', { format: 'path' }),
    branch: text('The branch that is checked out.'),
    branch_only: boolean('Fetches only that branch.'),
    auth: object('How to sign in.', {
      username: text('Name of the user.'),
      password: text('Password, or a token.', { secret: true }),
      private_key: text('SSH key, as a text.', { secret: true }),
      insecure: boolean('Does not check the key of the SSH server.'),
      public_key: text('Key that the SSH server must have.'),
    }),
  },
  { rule: 'git' },
);

const entity = object(
  'An entry of a user database.',
  {
    path: text('The database, such as `/etc/passwd`; that of its kind unless given.', { format: 'path' }),
    entity: text('The entry in YAML: `kind` is user, shadow, group or gshadow.', {
      format: 'entity',
      ...TEMPLATED,
    }),
  },
  { rule: 'entity' },
);

const directory = object(
  'A folder.',
  {
    path: text('Of the folder.', { format: 'path' }),
    permissions: mode('Mode, octal; only root may enter it unless given.'),
    ...owner,
  },
  { rule: 'directory', instead: { mode: 'Write permissions.', permission: 'Write permissions.' } },
);

const file = object(
  'A file.',
  {
    path: text('Of the file. Folders on the way are made.', { format: 'path', ...TEMPLATED }),
    permissions: mode('Mode, octal: `0644` or `"0644"`; only root may read it unless given.'),
    ...owner,
    ownerstring,
    content: text('What is in it.', TEMPLATED),
    encoding: text(
      'How `content` is encoded: `b64` or `base64`, `gz` or `gzip`, `gz+b64`; plain unless given.',
      {
        format: 'encoding',
      },
    ),
  },
  {
    rule: 'file',
    instead: {
      ...OWNER_NAME,
      mode: 'Write permissions.',
      permission: 'Write permissions.',
      contents: 'Write content.',
      data: 'Write content.',
      name: 'Write path.',
      append: 'A file is always written whole; use commands to append to one.',
    },
  },
);

const systemctl = object(
  'Units of systemd, or services of OpenRC.',
  {
    enable: texts('Started from the next boot on.', {}, { format: 'unit' }),
    disable: texts('Not started any more.', {}, { format: 'unit' }),
    start: texts('Started now.', {}, { format: 'unit' }),
    mask: texts('Cannot be started at all.', {}, { format: 'unit' }),
    overrides: list(
      'Drop-ins.',
      object(
        'A drop-in of a unit.',
        {
          service: text('The unit.', { format: 'unit' }),
          name: text('Name of the file; `override-yip.conf` unless given.'),
          content: text('What is in it.'),
        },
        { rule: 'override' },
      ),
    ),
  },
  {
    instead: {
      enabled: 'Write enable: with a list of units.',
      disabled: 'Write disable: with a list of units.',
      started: 'Write start: with a list of units.',
      masked: 'Write mask: with a list of units.',
      restart: 'Use commands: with `systemctl restart UNIT`.',
      stop: 'Use commands: with `systemctl stop UNIT`.',
      unmask: 'Use commands: with `systemctl unmask UNIT`.',
      'daemon-reload': 'systemd reads its units anew by itself after a drop-in; use commands: otherwise.',
    },
  },
);

const DATASOURCES = [
  'aws',
  'azure',
  'gcp',
  'hetzner',
  'openstack',
  'packet',
  'scaleway',
  'vultr',
  'digitalocean',
  'metaldata',
  'vmware',
  'cdrom',
  'config-drive',
  'file',
  'maas',
];

const datasource = object(
  'Takes a configuration from the cloud or from a medium.',
  {
    providers: list('Where to look, all at once.', choice('', DATASOURCES)),
    path: text('The file, for the provider `file`.', { format: 'path' }),
    userdata_name: text('Name of the file that it is kept in; `userdata.yaml` unless given.'),
  },
  { rule: 'datasource' },
);

const layout = object(
  'Partitions of a disk.',
  {
    device: object('Which disk.', {
      path: text('Its device, or `script://…` that prints it.', { format: 'device' }),
      label: text('Label of a file system on it.'),
      init_disk: boolean('Makes a new, empty table. All that the disk holds is lost.'),
      disk_name: text('Name of the disk in the new table.'),
    }),
    expand_partition: object('Makes the last partition larger.', {
      size: integer('MiB; all that is free for 0.'),
    }),
    add_partitions: list(
      'New partitions.',
      object(
        'A partition.',
        {
          fsLabel: text('Label of its file system.'),
          pLabel: text('Label of the partition.'),
          size: integer('MiB; all that is free for 0.'),
          filesystem: choice('Its file system.', [
            'ext2',
            'ext3',
            'ext4',
            'xfs',
            'btrfs',
            'vfat',
            'fat',
            'fat16',
            'fat32',
            'swap',
            'none',
            'noformat',
          ]),
          bootable: boolean('Marks it as one to boot from.'),
        },
        {
          instead: {
            label: 'Write fsLabel.',
            name: 'Write pLabel.',
            fs: 'Write filesystem.',
            fslabel: 'Write fsLabel.',
            plabel: 'Write pLabel.',
          },
        },
      ),
    ),
  },
  { rule: 'layout' },
);

export const TIMESYNCD_KEYS = [
  'NTP',
  'FallbackNTP',
  'RootDistanceMaxSec',
  'PollIntervalMinSec',
  'PollIntervalMaxSec',
  'ConnectionRetrySec',
  'SaveIntervalSec',
];
const FIRSTBOOT_KEYS = [
  'locale',
  'locale-messages',
  'keymap',
  'timezone',
  'hostname',
  'machine-id',
  'root-password',
  'root-password-file',
  'root-password-hashed',
  'root-shell',
  'kernel-command-line',
];

export const step = object(
  'A step: conditions, and what is done where they hold.',
  {
    name: text('What it is called in the log, and by `after`.'),
    if: text('A command for sh: the step is done where it succeeds.', { format: 'condition', ...TEMPLATED }),
    node: text('A regular expression for the host’s name.', { format: 'regex' }),
    only_os: text('A regular expression for the distribution’s name.', { format: 'regex' }),
    only_os_version: text('A regular expression for the distribution’s version.', { format: 'regex' }),
    only_arch: text('A regular expression for the architecture: amd64, arm64.', { format: 'architecture' }),
    only_service_manager: choice('Only with this init.', ['systemd', 'openrc'], { anyCase: true }),
    if_files: object(
      'Depends on files.',
      {
        any: texts('One of them is there.', {}, { format: 'path' }),
        all: texts('All of them are there.', {}, { format: 'path' }),
        none: texts('None of them is there.', {}, { format: 'path' }),
      },
      { closed: true, instead: { exists: 'Write all: with a list.', missing: 'Write none: with a list.' } },
    ),
    after: list(
      'Steps that come first, in whichever file.',
      object('A step that comes first.', {
        name: text('`FILE.STEP`, or the step’s name alone where there is but one.'),
      }),
    ),
    dns,
    downloads: list('Files from the network.', download),
    git,
    ensure_entities: list('Entries of user databases that have to be there.', entity),
    directories: list('Folders.', directory),
    files: list('Files.', file),
    commands: texts('Commands for sh, one after the other.', {}, { format: 'command', ...TEMPLATED }),
    delete_entities: list('Entries of user databases that must not be there.', entity),
    hostname: text('Name of the machine.', { format: 'hostname', ...TEMPLATED }),
    sysctl: textMap('Settings of the kernel.', { keys: 'variable' }),
    users: mapOf('Users by name.', user, { keys: 'user-name' }),
    authorized_keys: mapOf(
      'SSH keys by user: keys, or `github:USER`, `gitlab:USER`.',
      texts('', {}, { format: 'ssh-key' }),
      { keys: 'user-name' },
    ),
    modules: texts('Modules of the kernel to load.'),
    timesyncd: textMap('Settings of systemd-timesyncd.', { usualKeys: TIMESYNCD_KEYS }),
    systemctl,
    environment: textMap('Variables for all sessions.', { keys: 'variable' }),
    environment_file: text('The file for `environment`; `/etc/environment` unless given.', {
      format: 'path',
    }),
    systemd_firstboot: textMap('Options of systemd-firstboot.', { usualKeys: FIRSTBOOT_KEYS }),
    datasource,
    layout,
    package_pins: textMap('Versions of packages that are kept, by name.'),
    packages: object('Packages of the distribution.', {
      install: texts('To install.'),
      remove: texts('To remove.'),
      refresh: boolean('Reads the lists of packages anew.'),
      upgrade: boolean('Upgrades what is installed.'),
    }),
    unpack_images: list(
      'Container images whose files are put into folders.',
      object(
        'A container image.',
        {
          source: text('The image.'),
          target: text('The folder.', { format: 'path' }),
          platform: text('Which one of an image for several platforms, such as `linux/amd64`.'),
        },
        { rule: 'unpack' },
      ),
    ),
  },
  {
    rule: 'step',
    needs: ['if', 'node', 'only_os', 'only_os_version', 'only_arch', 'only_service_manager', 'if_files'],
    instead: {
      command: 'Write commands: with a list.',
      run: 'Write commands: with a list.',
      runcmd: 'Write commands: with a list; runcmd is a key of the whole file.',
      write_files: 'Write files: with a list; write_files is a key of the whole file.',
      file: 'Write files: with a list.',
      systctl: 'Write sysctl.',
      sysctls: 'Write sysctl.',
      ssh_authorized_keys: 'Write authorized_keys: with a list of keys by user.',
      ssh_keys: 'Write authorized_keys: with a list of keys by user.',
      user: 'Write users: with a map of users by name.',
      env: 'Write environment.',
      services: 'Write systemctl.',
      systemd: 'Write systemctl.',
      when: 'Write if: with a command.',
      needs: 'Write after: with a list of `name: STEP`.',
      requires: 'Write after: with a list of `name: STEP`.',
      depends_on: 'Write after: with a list of `name: STEP`.',
      directory: 'Write directories: with a list.',
      download: 'Write downloads: with a list.',
      module: 'Write modules: with a list.',
      package: 'Write packages: with install: and a list.',
      entities: 'Write ensure_entities.',
      stages: 'stages is a key of the whole file: a step has none of its own.',
    },
  },
);
