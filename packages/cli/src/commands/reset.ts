import { createInterface } from 'node:readline/promises';
import { describeReset, reboot, requestReset } from '@cairn/agent';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { CliError } from '../errors/error.ts';
import type { Session } from '../session.ts';

interface ResetOptions {
  readonly keep?: string[];
  readonly oem?: boolean;
  readonly keepIdentity?: boolean;
  readonly unattended?: boolean;
  readonly now?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = [
  'cairn reset --now',
  'cairn reset --now --keep /home --keep-identity --unattended',
  'cairn reset --oem --dry-run',
];

export function resetCommand(commands: CommandLine): Command {
  const command = commands
    .working('reset', 'make all that this node keeps anew; its releases stay', EXAMPLES)
    .option('--keep <path...>', 'kept paths whose data stays, such as /home')
    .option('--oem', 'the configuration goes too')
    .option('--keep-identity', 'the machine’s id and its SSH host keys stay')
    .option('--now', 'reboot into recovery for it at once; without it, only in recovery')
    .option('--unattended', 'ask nothing')
    .option('--dry-run', 'say what would be done, change nothing');
  return command.action(commands.action((session) => run(session, command.opts())));
}

async function run({ host, report, signal }: Session, options: ResetOptions): Promise<void> {
  const { keep = [], oem = false, keepIdentity: identity = false, now = false, dryRun = false } = options;
  const what = describeReset({ formatVersion: 1, keep, identity, oem, at: '' });
  if (options.unattended !== true && !dryRun && !(await confirmed(what, options.json === true))) return;
  const request = await requestReset(host, { keep, identity, oem, now, dryRun, signal });
  if (dryRun) {
    report.answer({ data: { request }, text: `A boot of the recovery release would do it: ${what}.` });
    return;
  }
  report.summary({ data: { request }, text: `Rebooting into the recovery release, which does it: ${what}.` });
  await reboot(host);
}

async function confirmed(what: string, json: boolean): Promise<boolean> {
  if (json || !process.stdin.isTTY) {
    throw new CliError('usage', 'there is nobody to ask whether the data of this node may be lost', {
      hint: 'Add `--unattended`, or look at it by `--dry-run`.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${what}. To go on, write reset: `)).trim() === 'reset';
  } finally {
    terminal.close();
  }
}
