import { CairnError } from '@cairn/bytes';

export type TransportErrorCode =
  /** What a reference names is an image, or something else that is no release. */
  | 'not-a-release'
  /** An artifact, or its table of frames, that cannot be one of ours. */
  | 'bad-artifact'
  /** The release that came is not the one that its description says. */
  | 'not-verified'
  /** The release was made of another image than the one that it is put beside. */
  | 'other-image'
  /** Where the release should go is something already. */
  | 'output-exists';

/** What can be wrong with a release on its way through a registry. */
export class TransportError extends CairnError<TransportErrorCode> {
  override readonly name = 'TransportError';
}
