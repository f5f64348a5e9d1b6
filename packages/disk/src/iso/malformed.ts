import { DiskError } from '../error.ts';

export function malformed(problem: string): DiskError {
  return new DiskError('iso-malformed', `this is no ISO that can be read: ${problem}`);
}
