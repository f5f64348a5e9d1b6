import { CairnError } from '@cairn/bytes';

export type FrameworkErrorCode =
  | 'missing-file'
  | 'bad-elf'
  | 'missing-library'
  | 'too-large'
  | 'missing-tool'
  | 'no-package'
  | 'no-kernel';

export class FrameworkError extends CairnError<FrameworkErrorCode> {
  override readonly name = 'FrameworkError';
}
