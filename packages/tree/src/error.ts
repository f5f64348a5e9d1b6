import { CairnError } from '@cairn/bytes';

export type TreeErrorCode = 'link-loop' | 'not-a-directory' | 'too-large';

export class TreeError extends CairnError<TreeErrorCode> {
  override readonly name = 'TreeError';
}
