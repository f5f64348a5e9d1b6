import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';

/** A command by its name, for the list of all; the rest is loaded when it is wanted. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(commands: CommandLine): Promise<Command>;
}

const IMAGE_COMMANDS: readonly CommandEntry[] = [
  {
    name: 'build',
    summary: 'make a bootable release of a container image, and disks of it',
    load: async (commands) => (await import('./build.ts')).buildCommand(commands),
  },
  {
    name: 'convert',
    summary: 'put the framework layer on a container image, so that it can boot',
    load: async (commands) => (await import('./convert.ts')).convertCommand(commands),
  },
  {
    name: 'image',
    summary: 'look into images and root file systems',
    load: async (commands) => (await import('./image/index.ts')).imageCommand(commands),
  },
  {
    name: 'release',
    summary: 'check releases, look at them, bring them to registries and back',
    load: async (commands) => (await import('./release/index.ts')).releaseCommand(commands),
  },
  {
    name: 'diff',
    summary: 'what is different between two images or releases: packages, files, sizes',
    load: async (commands) => (await import('./diff.ts')).diffCommand(commands),
  },
  {
    name: 'config',
    summary: 'check configurations, and see what they come to',
    load: async (commands) => (await import('./config/index.ts')).configCommand(commands),
  },
  {
    name: 'install',
    summary: 'put the live system, or a release, on a disk, all of which is lost',
    load: async (commands) => (await import('./install.ts')).installCommand(commands),
  },
  {
    name: 'boot-into',
    summary: 'choose what the next boot, and only that, takes',
    load: async (commands) => (await import('./boot-into.ts')).bootIntoCommand(commands),
  },
  {
    name: 'reset',
    summary: 'make all that this node keeps anew; its releases stay',
    load: async (commands) => (await import('./reset.ts')).resetCommand(commands),
  },
  {
    name: 'logs',
    summary: 'gather what tells from afar what is wrong with this node, without secrets',
    load: async (commands) => (await import('./logs.ts')).logsCommand(commands),
  },
  {
    name: 'upgrade',
    summary: 'put a release into this node’s other slot, to be booted next',
    load: async (commands) => (await import('./upgrade.ts')).upgradeCommand(commands),
  },
];

/** The agent has them; their summaries are here too so that the list of commands does not load it. A test compares the two. */
const NODE_COMMANDS: readonly CommandEntry[] = (
  [
    ['boot', 'make a verified root ready for its init (run by the initrd, not by people)'],
    ['status', 'what runs on this node, from which slot, and whether all is well'],
    ['paths', 'which paths can be written and which outlive a reboot, measured'],
    ['rollback', 'go back to the release in the other slot, at the next boot or at once'],
    ['bless', 'say that what runs is good (run by the health check, not by people)'],
    ['settle', 'end what was interrupted, and note releases that have failed (run at each boot)'],
    [
      'health',
      'whether this node is healthy; on trial: bless the release that runs, or reboot (run at boot)',
    ],
    ['datasource', 'take the configuration that the cloud, a disc or the firmware has for this machine'],
  ] as const
).map(([name, summary]) => ({
  name,
  summary,
  load: async (commands) => (await import('./node.ts')).nodeCommand(commands, name),
}));

export const COMMANDS: readonly CommandEntry[] = [...IMAGE_COMMANDS, ...NODE_COMMANDS];
