import { CairnError } from '@cairn/bytes';

export type FrameworkErrorCode =
  | 'missing-file'
  | 'bad-elf'
  | 'missing-library'
  | 'too-large'
  | 'missing-tool';

export class FrameworkError extends CairnError<FrameworkErrorCode> {
  override readonly name = 'FrameworkError';
}
