import { idle, knowing } from './facts.ts';
import { anything, boolean, integer, list, object, text, textMap, texts } from './kinds.ts';

/** `install`, `reset` and `upgrade`: what Kairos's agent does, as far as it is done here. */

const BOOT_LOADER = 'the boot loader is systemd-boot';
const ONE_RELEASE = 'the release on the medium is installed, or the one of `--source`';

// Functions, as facts belong to one place of use.
const size = () => integer('MiB; all that is left for 0.');

const image = (about: string) =>
  object(about, {
    size: integer('MiB.'),
    uri: text('Where it comes from; the same as `source`.'),
    source: text('Where it comes from: `oci:IMAGE`, `dir:FOLDER`, `file:FILE`.'),
    label: text('Label of its file system.'),
    fs: text('Its file system.'),
  });

const partition = (about: string) =>
  object(
    about,
    {
      name: text('Name of the partition.'),
      size: size(),
      fs: text('File system; ext4, which is the only one.'),
      label: text('Label of its file system.'),
      partition_label: text('Label of the partition.'),
      flags: texts('Flags.'),
      uuid: text('UUID.'),
    },
    { instead: { filesystem: 'Write fs.' } },
  );

const bundles = () =>
  list(
    'Bundles of Kairos.',
    object('A bundle.', {
      targets: texts('`run://IMAGE`, `container://IMAGE`, `package://NAME`.'),
      repository: text('Where packages come from.'),
      rootfs_path: text('Where it is put.'),
      db_path: text('Where it is noted.'),
      local_file: boolean('The targets are files.'),
    }),
  );

export const topBundles = idle(bundles(), 'bundles are not installed yet');

const GRUB_KEYS = [
  'next_entry',
  'saved_entry',
  'default_menu_entry',
  'default_fallback',
  'extra_cmdline',
  'extra_active_cmdline',
  'extra_passive_cmdline',
  'extra_recovery_cmdline',
];

export const grubOptions = () =>
  idle(
    textMap('Variables of GRUB.', { usualKeys: GRUB_KEYS }),
    `${BOOT_LOADER}; kernel arguments are set when the release is built, by \`--cmdline\``,
  );

const reboot = () => boolean('Reboots afterwards.');
const poweroff = () => boolean('Powers off afterwards.');
const entryName = () => idle(text('Name in the boot menu.'), BOOT_LOADER);
const extraDirs = () =>
  idle(texts('Folders to be made in the root.'), 'the root is verified: put the folders into the image');
const tty = () => idle(text('Consoles.'), 'consoles are set when the release is built, by `--cmdline`');
const insecure = () => idle(boolean('Takes images from registries without TLS.'), 'use `--plain-http`');

export const install = object(
  'Installation by the live system.',
  {
    auto: boolean('Installs without asking.'),
    device: text('The disk: `auto`, `/dev/…` or `script://…`, which prints it.', { format: 'device' }),
    reboot: reboot(),
    poweroff: poweroff(),
    partitions: object('Sizes of partitions.', {
      oem: partition('Configuration.'),
      persistent: partition('Data.'),
      state: idle(partition('Kairos’s partition for images.'), 'there are two root partitions in its place'),
      recovery: idle(partition('The system that repairs.'), 'it has the size of a slot'),
      efi: idle(partition('The ESP.'), 'it has 1 GiB'),
      bios: idle(partition('For GRUB on BIOS.'), 'it is always UEFI'),
    }),
    'extra-partitions': list(
      'Further partitions, made and formatted.',
      knowing(partition('A partition.'), { rule: 'extra-partition' }),
    ),
    'no-format': boolean('Leaves the partitions as they are; cannot be followed.'),
    force: idle(boolean('Installs over what is there.'), 'a disk that holds data is taken when it is named'),
    source: idle(text('The image to install.'), ONE_RELEASE),
    system: idle(image('The system.'), ONE_RELEASE),
    'recovery-system': idle(image('The system that repairs.'), 'recovery gets the same release'),
    passive: idle(image('The second system.'), 'the second slot is filled by the first upgrade'),
    grub_options: grubOptions(),
    'grub-entry-name': entryName(),
    bundles: idle(bundles(), 'bundles are not installed yet'),
    bind_mounts: texts('Folders that outlive a reboot.', {}, { format: 'path' }),
    ephemeral_mounts: texts(
      'Folders that can be written, and start anew at each boot.',
      {},
      { format: 'path' },
    ),
    encrypted_partitions: texts('Partitions to encrypt; cannot be followed yet.'),
    skip_copy_kcrypt_plugin: idle(boolean('Copies no plugin of kcrypt.'), 'there are no plugins of kcrypt'),
    env: idle(texts('Variables for the installer, `NAME=VALUE`.'), 'the installer reads none'),
    'extra-dirs-rootfs': extraDirs(),
    nousers: idle(boolean('Installs without any user.'), 'users are not asked for'),
    ssh_hardening: boolean('SSH takes keys only, no passwords.'),
    'cloud-init': idle(texts('Further configurations.'), 'name them to `cairn install`'),
    iso: idle(text('An ISO to install from.'), ONE_RELEASE),
    tty: tty(),
    'part-table': idle(text('Kind of partition table.'), 'it is always GPT'),
    firmware: idle(text('Kind of firmware.'), 'it is always UEFI'),
    'skip-entries': idle(texts('Boot entries to leave out.'), BOOT_LOADER),
    'allow-insecure-registries': insecure(),
    image: idle(text('An older name of `source`.'), ONE_RELEASE),
    selinux: idle(
      object('SELinux.', { mode: text('permissive or enforcing.') }),
      'SELinux is as the image has it',
    ),
  },
  {
    rule: 'install',
    dotted: true,
    same: { no_format: 'no-format', extra_partitions: 'extra-partitions' },
    instead: {
      disk: 'Write device.',
      devices: 'Write device: with one disk.',
      power_off: 'Write poweroff.',
      shutdown: 'Write poweroff.',
      automatic: 'Write auto.',
      users: 'users is a key of the whole file.',
      extra_dirs_rootfs: 'Write extra-dirs-rootfs.',
      'bind-mounts': 'Write bind_mounts.',
      'ephemeral-mounts': 'Write ephemeral_mounts.',
      'encrypted-partitions': 'Write encrypted_partitions.',
    },
  },
);

export const reset = object(
  'What a reset does.',
  {
    'reset-persistent': boolean('Empties the persistent partition.'),
    'reset-oem': boolean('Empties the OEM partition.'),
    reboot: reboot(),
    poweroff: poweroff(),
    'grub-entry-name': entryName(),
    tty: tty(),
    'extra-dirs-rootfs': extraDirs(),
    system: idle(image('The system.'), 'the release in recovery is taken'),
  },
  {
    rule: 'power',
    dotted: true,
    instead: { reset_persistent: 'Write reset-persistent.', reset_oem: 'Write reset-oem.' },
  },
);

export const upgrade = object(
  'What an upgrade does.',
  {
    system: image('The system.'),
    'recovery-system': image('The system that repairs.'),
    recovery: boolean('Upgrades recovery in place of the system.'),
    entry: idle(text('Boot entry to upgrade.'), 'the other slot is upgraded'),
    'grub-entry-name': entryName(),
    reboot: reboot(),
    poweroff: poweroff(),
    'extra-dirs-rootfs': extraDirs(),
    'excluded-paths': idle(
      texts('Paths that are left out.'),
      'a release is written whole, as it is verified whole',
    ),
    'allow-insecure-registries': insecure(),
  },
  { rule: 'power', dotted: true },
);

export const extensions = idle(
  anything('Extensions of Kairos 4.3.'),
  'extensions are not taken from here yet',
);
