import { configUrlOf, explainTree, type Origin } from '@cairn/config';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { printable, table } from '../../output/text.ts';
import type { Session } from '../../session.ts';
import { loadConfigs, type SourceOptions, withSources } from './load.ts';
import { warnOfErrors } from './warn.ts';

const EXAMPLES = [
  'cairn config explain',
  'cairn config explain base.yaml site.yaml --path install',
  "cairn config explain node.yaml --cmdline 'kairos.config=hostname=box'",
];
/** A file's content is not what is looked for here. */
const LONGEST_VALUE = 60;

interface ExplainOptions extends SourceOptions {
  readonly path?: string;
}

export function explainCommand(commands: CommandLine): Command {
  const command = commands.working(
    'explain',
    'show where each value of a configuration comes from',
    EXAMPLES,
  );
  return withSources(command)
    .option('--path <path>', 'only this value and those below it, such as users[0]')
    .action(commands.action((session, { args }) => explain(session, args, command.opts())));
}

async function explain(
  { host, report }: Session,
  paths: readonly string[],
  options: ExplainOptions,
): Promise<boolean> {
  const { files, tree, diagnostics } = await loadConfigs(host, paths, options);
  const whole = warnOfErrors(report, diagnostics);
  const origins = tree === undefined ? [] : explainTree(tree, options.path);
  if (options.path !== undefined && origins.length === 0) {
    throw new CliError('not-found', `there is nothing at ${options.path}`, {
      hint: 'See all paths by `cairn config explain` without --path.',
    });
  }
  for (const file of files) {
    const url = configUrlOf(file);
    if (url !== undefined) report.warning(`${file.source.file} names ${url}, which is not fetched here`);
  }
  report.answer({ data: origins, text: table(origins.map(rowOf)) });
  return whole;
}

function rowOf({ path, value, file, line, column }: Origin): string[] {
  const text = JSON.stringify(value);
  const shown = text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
  return [printable(path), printable(shown), printable(`${file}:${line}:${column}`)];
}
