import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { explainCommand } from './explain.ts';
import { mergeCommand } from './merge.ts';
import { schemaCommand } from './schema.ts';
import { validateCommand } from './validate.ts';

export function configCommand(commands: CommandLine): Command {
  return commands
    .command('config', 'check configurations, and see what they come to')
    .addCommand(validateCommand(commands))
    .addCommand(explainCommand(commands))
    .addCommand(mergeCommand(commands))
    .addCommand(schemaCommand(commands));
}
