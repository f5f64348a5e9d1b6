import { CairnError } from '@cairn/bytes';

export type TestkitErrorCode =
  | 'bad-option'
  | 'program-missing'
  | 'program-failed'
  | 'firmware-missing'
  | 'machine-failed'
  | 'machine-exited'
  | 'machine-off'
  | 'machine-on'
  | 'console-failure'
  | 'timeout'
  | 'login-refused'
  | 'guest-silent'
  | 'command-failed'
  | 'qmp-error'
  | 'qmp-protocol'
  | 'snapshot-failed'
  | 'snapshot-unusable';

export class TestkitError extends CairnError<TestkitErrorCode> {
  override readonly name = 'TestkitError';
}
