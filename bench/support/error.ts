import { CairnError } from '@cairn/bytes';

export type BenchErrorCode = 'missing-program' | 'not-root' | 'bad-measurement' | 'usage';

export class BenchError extends CairnError<BenchErrorCode> {
  override readonly name = 'BenchError';
}
