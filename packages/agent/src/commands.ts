import type { Host } from '@cairn/host';
import { actionCommands } from './actions/commands.ts';
import type { ActionProgress } from './actions/run.ts';
import { boot } from './boot/boot.ts';
import { describeBoot } from './boot/describe.ts';
import { datasourceCommands } from './datasource/commands.ts';
import { healthCommands } from './health/commands.ts';
import { type MeasuredPath, measurePaths } from './paths/measure.ts';
import { readLife } from './status/life.ts';
import { readStatus } from './status/status.ts';
import { statusText } from './status/text.ts';

/** A command of the node, for the `cairn` program to register. */
export interface NodeCommand {
  readonly name: string;
  readonly description: string;
  readonly examples: readonly string[];
  /** Options that take a value, by name, with what they mean and their default. */
  readonly options: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  /** Options without a value, by name, with what they mean. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Does it, and gives the answer twice: for programs and for people. */
  run(
    host: Host,
    options: Readonly<Record<string, string>>,
    signal: AbortSignal,
    extras?: CommandExtras,
  ): Promise<CommandAnswer>;
}

export interface CommandExtras {
  /** The flags that were given. */
  readonly flags: ReadonlySet<string>;
  readonly onProgress?: (progress: ActionProgress) => void;
}

export interface CommandAnswer {
  /** JSON */
  readonly data: unknown;
  /** Lines */
  readonly text: string;
  /** False makes the exit code 1: the command worked, and what it found is not good. */
  readonly healthy: boolean;
}

export const nodeCommands: readonly NodeCommand[] = [
  {
    name: 'boot',
    description: 'make a verified root ready for its init (run by the initrd, not by people)',
    examples: ['cairn boot --root /sysroot'],
    options: { root: { description: 'where the verified root is mounted', default: '/sysroot' } },
    async run(host, options) {
      const record = await boot(host, { root: options['root'] ?? '/sysroot' });
      return { data: record, text: describeBoot(record), healthy: true };
    },
  },
  {
    name: 'status',
    description: 'what runs on this node, from which slot, and whether all is well',
    examples: ['cairn status', 'cairn status --json | jq .verified'],
    options: {},
    async run(host) {
      const status = await readStatus(host.files);
      const life = await readLife(host);
      const problems = [...status.problems, ...life.problems];
      return {
        data: { ...status, ...life, problems },
        text: statusText({ ...status, problems }, life),
        healthy: problems.length === 0,
      };
    },
  },
  {
    name: 'paths',
    description: 'which paths can be written and which outlive a reboot, measured',
    examples: ['cairn paths', 'cairn paths --json'],
    options: {},
    async run(host) {
      const paths = await measurePaths(host.files);
      return { data: paths, text: pathsText(paths), healthy: true };
    },
  },
  ...actionCommands,
  ...healthCommands,
  ...datasourceCommands,
];

function pathsText(paths: readonly MeasuredPath[]): string {
  const width = Math.max(...paths.map(({ path }) => path.length));
  const lines = paths.map(
    ({ path, writable, kept, on }) =>
      `${path.padEnd(width)}  ${writable ? 'yes' : 'no '}       ${kept ? 'yes' : 'no '}          ${on}`,
  );
  return [`${'path'.padEnd(width)}  writable  after reboot  on`, ...lines].join('\n');
}
