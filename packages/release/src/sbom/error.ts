import { CairnError } from '@cairn/bytes';

export type SbomErrorCode = 'malformed-database' | 'unsupported-database';

/** What a package database's parser says of bytes that are not such a database. */
export class SbomError extends CairnError<SbomErrorCode> {
  override readonly name = 'SbomError';
}

export function malformed(message: string): SbomError {
  return new SbomError('malformed-database', message);
}
