import { CairnError } from '@cairn/bytes';

export type SweepErrorCode =
  | 'bad-disk'
  | 'bad-option'
  | 'bad-release'
  | 'bad-state'
  | 'fat-unreadable'
  | 'log-malformed';

/** What can be wrong with what the sweep is given. A disk state that does not boot is no error but a verdict. */
export class SweepError extends CairnError<SweepErrorCode> {
  override readonly name = 'SweepError';
}
