import { CairnError } from '@cairn/bytes';

export type OciErrorCode =
  | 'invalid-reference'
  | 'invalid-digest'
  | 'invalid-credentials'
  | 'digest-mismatch'
  | 'size-mismatch'
  | 'too-large'
  | 'name-unknown'
  | 'tag-unknown'
  | 'blob-unknown'
  | 'denied'
  | 'rate-limited'
  | 'host-not-found'
  | 'unreachable'
  | 'tls'
  | 'stalled'
  | 'server-error'
  | 'protocol'
  | 'no-space'
  | 'invalid-manifest'
  | 'invalid-layout'
  | 'invalid-layer'
  | 'unsupported'
  | 'platform-unknown'
  | 'ambiguous'
  | 'not-found'
  | 'exists';

export class OciError extends CairnError<OciErrorCode> {
  override readonly name = 'OciError';
}
