import type { ErrorReport } from '../errors/report.ts';

/** How far a phase of a command is. */
export interface ProgressEvent {
  readonly phase: string;
  /** In bytes, out of `total`. */
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  readonly note?: string | undefined;
}

/** What a command found or did: once as data for programs, once as text for people. */
export interface Answer {
  readonly data: object;
  /** Lines, without the last one's end. */
  readonly text: string;
}

/** Where commands tell what they do. One is chosen for a run: by options, and by what the streams are. */
export interface Reporter {
  readonly progress: (event: ProgressEvent) => void;
  readonly warning: (message: string) => void;
  /** What was asked for. */
  readonly answer: (answer: Answer) => void;
  /** What was done, where that is not what was asked for: left out when quiet. */
  readonly summary: (answer: Answer) => void;
  readonly error: (report: ErrorReport) => void;
}

/** The little that reporters need of a stream. */
export interface TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Streams {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
}
