import { CairnError } from '@cairn/bytes';

export type DiskErrorCode =
  | 'cpio-malformed'
  | 'cpio-unsupported'
  | 'erofs-content'
  | 'erofs-invalid-request'
  | 'erofs-malformed'
  | 'erofs-too-large'
  | 'erofs-unsupported'
  | 'fat-bad-name'
  | 'fat-invalid-request'
  | 'fat-malformed'
  | 'fat-no-space'
  | 'fat-not-found'
  | 'fat-too-small'
  | 'gpt-invalid-request'
  | 'gpt-malformed'
  | 'gpt-too-small'
  | 'iso-bad-name'
  | 'iso-invalid-request'
  | 'iso-malformed'
  | 'iso-not-found'
  | 'iso-too-large'
  | 'pe-malformed'
  | 'pe-no-header-room'
  | 'qcow2-invalid-request'
  | 'uki-invalid-request'
  | 'verity-corrupt'
  | 'verity-invalid-request'
  | 'verity-malformed'
  | 'verity-unsupported';

/** What can be wrong with a disk image that is read, or with a request to write one. The code's first word is the format. */
export class DiskError extends CairnError<DiskErrorCode> {
  override readonly name = 'DiskError';
}
