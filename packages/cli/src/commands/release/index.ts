import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { inspectCommand } from './inspect.ts';
import { verifyCommand } from './verify.ts';

export function releaseCommand(commands: CommandLine): Command {
  return commands
    .command('release', 'check releases, and look at them')
    .addCommand(verifyCommand(commands))
    .addCommand(inspectCommand(commands));
}
