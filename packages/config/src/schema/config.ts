import type { z } from 'zod';
import { cluster } from './cluster.ts';
import { idle } from './facts.ts';
import { health } from './health.ts';
import { extensions, grubOptions, install, reset, topBundles, upgrade } from './install.ts';
import { anything, boolean, integer, list, mapOf, object, octalText, text, texts } from './kinds.ts';
import { step } from './step.ts';
import { topSshKeys, users } from './users.ts';

/**
 * The schema of a configuration: the one source of its types, its checks, its JSON Schema and its reference.
 * It has all keys of Kairos 4.2, with those of later versions as far as they are known, and Cairn's own `health`.
 */

const writeFile = object(
  'A file, written in the stage boot.',
  {
    path: text('Of the file.', { format: 'path' }),
    content: text('What is in it.', { templated: true }),
    encoding: text('`b64` or `base64`, `gz` or `gzip`, `gz+b64`; plain unless given.', {
      format: 'encoding',
    }),
    owner: text('`user` or `user:group`.'),
    permissions: octalText('Mode, octal: `0644`, `"0644"` or `644`; only root may read it unless given.'),
  },
  {
    rule: 'write-file',
    instead: {
      append: 'A file is always written whole; use runcmd to append to one.',
      defer: 'Write the file in a later stage: stages.network.',
      source: 'Use stages.network with downloads.',
      mode: 'Write permissions.',
      contents: 'Write content.',
      group: 'Write owner: USER:GROUP.',
    },
  },
);

const RELEASE_TIME = 'it is decided when the release is built';

export const configSchema = object(
  'A machine’s configuration.',
  {
    name: text('Name of the file, for `after`.'),
    stages: mapOf(
      'What is done, in which stage of a boot or of the machine’s life.',
      list('Steps, one after the other.', step),
      {
        keys: 'stage',
        rule: 'stages',
      },
    ),
    users,
    ssh_authorized_keys: topSshKeys,
    hostname: text('Name of the machine, set in the stage initramfs.', {
      format: 'hostname',
      templated: true,
    }),
    write_files: list('Files, written in the stage boot.', writeFile),
    runcmd: texts('Commands for sh, run in the stage boot.', {}, { format: 'command', templated: true }),
    growpart: object('Partitions that are made as large as can be, in the stage boot.', {
      mode: text('`auto`; as in cloud-init.'),
      devices: texts('Devices, or where they are mounted.'),
    }),
    install,
    reset,
    upgrade,
    health,
    config_url: text('A further configuration, which is fetched and merged over this one.', {
      format: 'web-url',
      templated: true,
    }),
    strict: boolean('A stage ends with the first step that fails.'),
    debug: boolean('Logs more.'),
    'cloud-init-paths': texts('Further folders with configurations.', {}, { format: 'path' }),
    env: idle(texts('Variables for the agent.'), 'the agent reads none'),
    options: idle(mapOf('Settings of the agent.', text('')), 'the agent reads none'),
    logs: object('What is collected when something went wrong.', {
      journal: texts('Units whose journal is collected.'),
      files: texts('Files that are collected, with `*`.'),
    }),
    ...cluster,
    grub_options: grubOptions(),
    bundles: topBundles,
    fail_on_bundles_errors: idle(boolean('Stops where a bundle fails.'), 'bundles are not installed yet'),
    extensions,
    'eject-cd': idle(boolean('Ejects the disc after installation.'), 'a disc stays in its drive'),
    'uki-max-entries': idle(integer('How many boot entries there may be.'), 'there are two slots'),
    'squash-compression': idle(texts('Compression of images.'), RELEASE_TIME),
    'squash-no-compression': idle(boolean('Images are not compressed.'), RELEASE_TIME),
    arch: idle(text('Architecture of the machine.'), RELEASE_TIME),
    platform: idle(anything('Platform of the machine.'), RELEASE_TIME),
    cosign: idle(boolean('Verifies signatures of images.'), 'signatures of images are not verified yet'),
    'cosign-key': idle(text('Key to verify them with.'), 'signatures of images are not verified yet'),
    verify: idle(boolean('Verifies images.'), 'every block is verified, always'),
    'bind-pcrs': idle(list('Registers of the TPM.', text('')), 'partitions are not encrypted yet'),
    'bind-public-pcrs': idle(list('Registers of the TPM.', text('')), 'partitions are not encrypted yet'),
    milpa_files: idle(list('Older name of write_files.', writeFile), 'write write_files'),
  },
  {
    rule: 'config',
    same: { 'cloud-init_paths': 'cloud-init-paths' },
    instead: {
      user: 'Write users: with a list.',
      ssh_keys: 'Write ssh_authorized_keys.',
      files: 'Write write_files, or files in a step of stages.',
      commands: 'Write runcmd, or commands in a step of stages.',
      bootcmd: 'Write stages.rootfs or stages.initramfs with commands.',
      packages: 'Put packages into the image; the root cannot be written.',
      package_update: 'Put packages into the image; the root cannot be written.',
      package_upgrade: 'Put packages into the image; the root cannot be written.',
      apt: 'Put packages into the image; the root cannot be written.',
      yum_repos: 'Put packages into the image; the root cannot be written.',
      snap: 'Put packages into the image; the root cannot be written.',
      chpasswd: 'Write passwd in users.',
      password: 'Write passwd in users.',
      ssh_pwauth: 'Write install.ssh_hardening, or a file in /etc/ssh/sshd_config.d.',
      disable_root: 'Write a file in /etc/ssh/sshd_config.d.',
      fqdn: 'Write hostname.',
      manage_etc_hosts: 'Write /etc/hosts by write_files.',
      preserve_hostname: 'Leave hostname out.',
      timezone: 'Write systemd_firstboot with timezone in a step of stages.initramfs.',
      locale: 'Write systemd_firstboot with locale in a step of stages.initramfs.',
      keyboard: 'Write systemd_firstboot with keymap in a step of stages.initramfs.',
      ntp: 'Write timesyncd in a step of stages.boot.',
      groups: 'Write ensure_entities in a step of stages.',
      mounts: 'Write install.bind_mounts, or commands in a step of stages.',
      swap: 'Write commands in a step of stages.',
      disk_setup: 'Write layout in a step of stages.',
      fs_setup: 'Write layout in a step of stages.',
      resize_rootfs: 'Write growpart.',
      resolv_conf: 'Write dns in a step of stages.',
      manage_resolv_conf: 'Write dns in a step of stages.',
      network: 'Write the files of your network manager by write_files.',
      ca_certs: 'Write the certificates by write_files to /etc/ssl/certs.',
      'ca-certs': 'Write the certificates by write_files to /etc/ssl/certs.',
      power_state: 'Write install.reboot or install.poweroff.',
      final_message: 'There is no final message.',
      phone_home: 'Write commands with curl in a step of stages.network.',
      merge_how: 'Maps are merged deeply and lists are joined, always.',
      sysctl: 'Write sysctl in a step of stages.',
      modules: 'Write modules in a step of stages.',
      systemctl: 'Write systemctl in a step of stages.',
      environment: 'Write environment in a step of stages.',
      authorized_keys: 'Write ssh_authorized_keys, or authorized_keys in a step of stages.',
      stage: 'Write stages.',
      device: 'Write install.device.',
      auto: 'Write install.auto.',
      reboot: 'Write install.reboot.',
      poweroff: 'Write install.poweroff.',
      vpn: 'Write p2p.vpn.',
      network_token: 'Write p2p.network_token.',
      rke2: 'Write stages with the files of rke2.',
    },
  },
);

export type Config = z.output<typeof configSchema>;
export type Step = z.output<typeof step>;
