import { CairnError } from '@cairn/bytes';

export type InstallErrorCode =
  /** No disk can be taken without being named, or the one that is named is none. */
  | 'no-disk'
  /** Its partitions are mounted, or something else lies on it. */
  | 'disk-in-use'
  | 'disk-too-small'
  | 'disk-unfit'
  /** `script://` failed, or did not print one device. */
  | 'script-failed'
  | 'bad-request';

/** What is in the way of an installation. Nothing has been written then. */
export class InstallError extends CairnError<InstallErrorCode> {
  override readonly name = 'InstallError';
}
