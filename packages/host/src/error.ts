import { CairnError } from '@cairn/bytes';

export type HostErrorCode =
  | 'not-found'
  | 'exists'
  | 'denied'
  | 'no-space'
  | 'busy'
  | 'too-large'
  | 'wrong-kind'
  | 'io'
  | 'failed'
  | 'timeout'
  | 'killed';

export class HostError extends CairnError<HostErrorCode> {
  override readonly name = 'HostError';
}

const CODES: Readonly<Record<string, HostErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EEXIST: 'exists',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EBUSY: 'busy',
};

const SENTENCES: Readonly<Record<HostErrorCode, string>> = {
  'not-found': 'there is no such file',
  exists: 'it exists already',
  denied: 'not permitted',
  'no-space': 'no space is left on the disk',
  busy: 'it is in use',
  'too-large': 'it is too large',
  'wrong-kind': 'it is of the wrong kind',
  io: 'reading or writing failed',
  failed: 'it failed',
  timeout: 'it took too long',
  killed: 'it was killed',
};

/** What the kernel said about a path, as a HostError. */
export function hostError(action: string, path: string, cause: unknown): HostError {
  if (cause instanceof HostError) return cause;
  const number = errnoOf(cause);
  const code = (number === undefined ? undefined : CODES[number]) ?? 'io';
  const detail = code === 'io' && cause instanceof Error ? cause.message : SENTENCES[code];
  return new HostError(code, `cannot ${action} ${path}: ${detail}`, { cause });
}

export function errnoOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
