import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { catCommand } from './cat.ts';
import { inspectCommand } from './inspect.ts';
import { listCommand } from './ls.ts';

export function imageCommand(commands: CommandLine): Command {
  return commands
    .command('image', 'look into images and root file systems')
    .addCommand(inspectCommand(commands))
    .addCommand(listCommand(commands))
    .addCommand(catCommand(commands));
}
