import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { inspectCommand } from './inspect.ts';
import { pullCommand } from './pull.ts';
import { pushCommand } from './push.ts';
import { verifyCommand } from './verify.ts';

export function releaseCommand(commands: CommandLine): Command {
  return commands
    .command('release', 'check releases, look at them, bring them to registries and back')
    .addCommand(verifyCommand(commands))
    .addCommand(inspectCommand(commands))
    .addCommand(pushCommand(commands))
    .addCommand(pullCommand(commands));
}
