import * as std from 'quickjs:std';
import { type HostError, hostError } from '../error.ts';

/** Linux's numbers (errno(3)); those with a meaning of their own in HostError. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST',
  20: 'ENOTDIR',
  28: 'ENOSPC',
  30: 'EROFS',
  122: 'EDQUOT',
};

export function isMissing(errno: number): boolean {
  return NAMES[errno] === 'ENOENT' || NAMES[errno] === 'ENOTDIR';
}

export function isThere(errno: number): boolean {
  return NAMES[errno] === 'EEXIST';
}

export function failure(action: string, path: string, errno: number): HostError {
  return hostError(action, path, Object.assign(new Error(std.strerror(errno)), { code: NAMES[errno] }));
}

/** What a call gave that is not negative; throws HostError for the negated errno that it is otherwise. */
export function checked(action: string, path: string, result: number): number {
  if (result < 0) throw failure(action, path, -result);
  return result;
}
