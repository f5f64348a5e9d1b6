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

/** As the parser names the option `--dry-run`. */
function camelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function describe(commands: CommandLine, node: NodeCommand): Command {
  const command = commands.working(node.name, node.description, node.examples);
  for (const [name, { description, default: value }] of Object.entries(node.options)) {
    command.option(`--${name} <${name}>`, description, value);
  }
  const flags = Object.entries(node.flags ?? {});
  for (const [name, description] of flags) command.option(`--${name}`, description);
  return command.action(
    commands.action(async ({ host, report, signal }) => {
      const given = flags
        .map(([name]) => name)
        .filter((name) => command.getOptionValue(camelCase(name)) === true);
      const extras = { flags: new Set(given), onProgress: report.progress };
      const { data, text, healthy } = await node.run(host, command.opts(), signal, extras);
      // What an image says of itself is in it, and must not reach the terminal as more than text.
      report.answer({ data: data as object, text: text.split('\n').map(printable).join('\n') });
      return healthy;
    }),
  );
}
