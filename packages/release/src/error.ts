import { CairnError } from '@cairn/bytes';

export type ReleaseErrorCode =
  /** The image has no kernel. */
  | 'no-kernel'
  /** The image has several kernels and none was named. */
  | 'several-kernels'
  /** The kernel's modules are missing, or not indexed by depmod(8). */
  | 'no-modules'
  /** The kernel cannot boot a verified root, or not by UEFI. */
  | 'kernel-unfit'
  | 'no-init'
  | 'wrong-architecture'
  /** The image does not have Cairn's framework layer. */
  | 'not-converted'
  /** A file of the image that has to be understood cannot be. */
  | 'bad-image'
  | 'bad-command-line'
  /** A version, size or name that was asked for cannot be. */
  | 'bad-option'
  /** The release does not fit its slot, the ESP or the disk. */
  | 'too-large'
  /** Where the release should go is something that is not a release. */
  | 'output-exists'
  /** A folder or a `release.json` that is not a release. */
  | 'bad-release';

/** What can be wrong with an image that is to be rendered, with what was asked, or with a release that is read. */
export class ReleaseError extends CairnError<ReleaseErrorCode> {
  override readonly name = 'ReleaseError';
}
