import { CairnError } from '@cairn/bytes';

export type CliErrorCode =
  /** What was written on the command line cannot be meant: exit code 2. */
  | 'usage'
  | 'not-found'
  /** A file of a kind that the command is not for. */
  | 'wrong-kind'
  | 'no-framework'
  | 'wrong-architecture'
  | 'already-converted'
  /** A URL did not give what it names. */
  | 'fetch-failed'
  /** The standard output takes no more: its disk is full. */
  | 'output-failed'
  /** A release's files are not what its description says. */
  | 'not-verified';

export class CliError extends CairnError<CliErrorCode> {
  override readonly name = 'CliError';
}
