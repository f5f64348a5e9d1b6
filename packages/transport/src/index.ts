export {
  ARTIFACT_TYPE,
  type Artifact,
  type BlobRef,
  encodeArtifact,
  MEDIA_TYPES,
  parseArtifact,
} from './artifact.ts';
export { TransportError, type TransportErrorCode } from './error.ts';
export { FRAME_SIZE, LEVELS, readSeekTable, unpackFrames, writeFrames } from './frames.ts';
export { type FoundRelease, findRelease, type PulledRelease, pullRelease } from './pull.ts';
export { type Pushed, type PushOptions, pushRelease, type TransportProgress } from './push.ts';
export { encodeSeekTable, type Frame, parseSeekTable } from './seek-table.ts';
