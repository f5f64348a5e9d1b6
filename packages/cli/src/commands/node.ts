import { type NodeCommand, nodeCommands } from '@cairn/agent';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { printable } from '../output/text.ts';

/** A command that runs on a node, as the agent describes it. */
export function nodeCommand(commands: CommandLine, name: string): Command {
  const found = nodeCommands.find((each) => each.name === name);
  if (found === undefined) throw new TypeError(`the agent has no command ${name}`);
  return describe(commands, found);
}

function describe(commands: CommandLine, node: NodeCommand): Command {
  const command = commands.working(node.name, node.description, node.examples);
  for (const [name, { description, default: value }] of Object.entries(node.options)) {
    command.option(`--${name} <${name}>`, description, value);
  }
  return command.action(
    commands.action(async ({ host, report, signal }) => {
      const { data, text, healthy } = await node.run(host, command.opts(), signal);
      // What an image says of itself is in it, and must not reach the terminal as more than text.
      report.answer({ data: data as object, text: text.split('\n').map(printable).join('\n') });
      return healthy;
    }),
  );
}
