import { inspect } from 'node:util';
import { CairnError } from '@cairn/bytes';
import { CommanderError } from 'commander';
import { CliError } from './error.ts';
import { Interrupted } from './signals.ts';

/** An error as it is told: by two lines on the terminal, or as an event to a program. */
export interface ErrorReport {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** For those who debug: the stack with all causes. */
  readonly details: string;
}

export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/** The parser would print the help; who forgot a word is better told which. */
const NO_COMMAND = {
  exitCode: EXIT_USAGE,
  code: 'usage',
  message: 'a command is missing',
  hint: undefined,
} as const;

/** What to say of whatever a command threw. */
export function reportOf(error: unknown): ErrorReport {
  const details = inspect(error);
  if (error instanceof Interrupted) {
    const { exitCode, message } = error;
    return { exitCode, code: 'interrupted', message, hint: undefined, details };
  }
  if (error instanceof CommanderError) {
    if (error.code === 'commander.help') return { ...NO_COMMAND, details };
    const { message, hint } = usageMessage(error.message);
    return { exitCode: EXIT_USAGE, code: 'usage', message, hint, details };
  }
  if (error instanceof CairnError) {
    const exitCode = error instanceof CliError && error.code === 'usage' ? EXIT_USAGE : EXIT_FAILURE;
    return { exitCode, code: error.code, message: error.message, hint: error.hint, details };
  }
  return {
    exitCode: EXIT_FAILURE,
    code: 'bug',
    message: `this is a bug in Cairn: ${error instanceof Error ? error.message : inspect(error)}`,
    hint: 'Run it again with --debug and report what it prints.',
    details,
  };
}

/** The parser's own words are `error: what is wrong`, and perhaps a guess in brackets on a second line. */
function usageMessage(text: string): { message: string; hint: string | undefined } {
  const [message = '', guess] = text.replace(/^error: /, '').split('\n');
  return { message, hint: guess === undefined ? undefined : guess.replace(/^\((.*)\)$/, '$1') };
}
