import { plainOf, writeYaml } from '@cairn/config';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { printable } from '../../output/text.ts';
import type { Session } from '../../session.ts';
import { loadConfigs, type SourceOptions, withSources } from './load.ts';
import { warnOfErrors } from './warn.ts';

const EXAMPLES = [
  'cairn config merge base.yaml site.yaml',
  'cairn config merge --json /oem | jq .config.install',
];

export function mergeCommand(commands: CommandLine): Command {
  const command = commands.working(
    'merge',
    'print several configurations as the one that they come to',
    EXAMPLES,
  );
  return withSources(command).action(
    commands.action((session, { args }) => merge(session, args, command.opts())),
  );
}

async function merge(
  { host, report }: Session,
  paths: readonly string[],
  options: SourceOptions,
): Promise<boolean> {
  const { files, tree, diagnostics } = await loadConfigs(host, paths, options);
  const whole = warnOfErrors(report, diagnostics);
  const sources = files.map(({ source }) => source.file);
  const config = tree === undefined ? {} : plainOf(tree);
  const comment = ['# Sources:', ...sources.map((source) => `# - ${printable(source)}`)].join('\n');
  report.answer({
    data: { sources, config },
    text: `#cloud-config\n\n${comment}\n\n${tree === undefined ? '{}' : writeYaml(tree).trimEnd()}`,
  });
  return whole;
}
