import { jsonSchema } from '@cairn/config';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import type { Session } from '../../session.ts';

const EXAMPLES = [
  'cairn config schema > cairn.schema.json',
  'cairn config schema --json | jq .schema.properties',
];

export function schemaCommand(commands: CommandLine): Command {
  return commands
    .working('schema', 'print the JSON Schema of configurations, for editors', EXAMPLES)
    .action(commands.action((session) => printSchema(session)));
}

async function printSchema({ report }: Session): Promise<void> {
  const schema = jsonSchema();
  report.answer({ data: { schema }, text: JSON.stringify(schema, undefined, 2) });
}
