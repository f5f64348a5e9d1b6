import {
  type Diagnostic,
  diagnosticText,
  hasErrors,
  judge,
  plainDiagnostic,
  type Strictness,
  sorted,
} from '@cairn/config';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { printable } from '../../output/text.ts';
import type { Session } from '../../session.ts';
import { loadConfigs, type SourceOptions, withSources } from './load.ts';

const EXAMPLES = [
  'cairn config validate node.yaml',
  'cairn config validate --strict base.yaml site.yaml',
  'cairn config validate --json node.yaml | jq -r .diagnostics[].message',
];

interface ValidateOptions extends SourceOptions {
  readonly lenient?: boolean;
  readonly strict?: boolean;
}

export function validateCommand(commands: CommandLine): Command {
  const command = commands.working(
    'validate',
    'say what is wrong with configurations, and what to write',
    EXAMPLES,
  );
  return withSources(command)
    .option('--lenient', 'what a machine can boot with is a warning, as at boot')
    .option('--strict', 'a warning is an error')
    .action(commands.action((session, { args }) => validate(session, args, command.opts())));
}

async function validate(
  { host, report }: Session,
  paths: readonly string[],
  options: ValidateOptions,
): Promise<boolean> {
  const { files, diagnostics } = await loadConfigs(host, paths, options);
  const judged = sorted(judge(diagnostics, strictnessOf(options)));
  const names = files.map(({ source }) => source.file);
  const errors = judged.filter(({ severity }) => severity === 'error').length;
  report.answer({
    data: {
      valid: errors === 0,
      errors,
      warnings: judged.length - errors,
      files: names,
      diagnostics: judged.map(plainDiagnostic),
    },
    text: [...judged.map(lines), summaryOf(judged, errors, names)].join('\n'),
  });
  return !hasErrors(judged);
}

function strictnessOf({ lenient = false, strict = false }: ValidateOptions): Strictness {
  if (lenient && strict) throw new CliError('usage', '--lenient and --strict exclude each other');
  return lenient ? 'lenient' : strict ? 'strict' : 'normal';
}

function lines(diagnostic: Diagnostic): string {
  return diagnosticText(diagnostic).split('\n').map(printable).join('\n');
}

function summaryOf(judged: readonly Diagnostic[], errors: number, names: readonly string[]): string {
  const [only] = names;
  const where = names.length === 1 && only !== undefined ? printable(only) : `${names.length} files`;
  if (judged.length === 0) return `${where}: nothing is wrong`;
  return `${where}: ${counted(errors, 'error')}, ${counted(judged.length - errors, 'warning')}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
