/** What a build is doing; `pull`, `unpack` and `merge` come before this package has its tree. */
export type Phase = 'pull' | 'unpack' | 'merge' | 'inspect' | 'root' | 'sbom' | 'uki' | 'disk' | 'finish';

export interface ProgressEvent {
  readonly phase: Phase;
  /** Bytes, out of `total`. A phase without them is not measured. */
  readonly done?: number;
  readonly total?: number;
  /** For a person, where there is something to be said. */
  readonly note?: string;
}

export type OnProgress = (event: ProgressEvent) => void;
