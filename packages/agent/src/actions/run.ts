import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteSource } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import type { MountedEsp } from '../node/esp.ts';
import type { VerifiedSlot } from './slot.ts';
import type { VerifiedUki } from './uki.ts';

/** How far an action is. */
export interface ActionProgress {
  /** `write`, `verify`, … */
  readonly phase: string;
  /** Bytes, out of `total`. */
  readonly done?: number;
  readonly total?: number;
  readonly note?: string;
}

/** What a step works with. */
export interface Run {
  readonly host: Host;
  readonly esp: MountedEsp;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (progress: ActionProgress) => void;
  /** What verifying steps have found to be whole. */
  readonly found: { slot?: VerifiedSlot; uki?: VerifiedUki };
}

/** Who is told how far it is, and may stop it. */
export type Watcher = Pick<Run, 'signal' | 'onProgress'>;

/** How much is read or written between two turns of the event loop, where signals arrive and progress is drawn. */
export const TURN = 8 << 20;

/** A source that tells how far it was read, and lets the event loop have its turn. */
export function watched(source: ByteSource, total: number, run: Watcher, phase: string): ByteSource {
  let since = 0;
  let done = 0;
  return {
    size: source.size,
    read(position, target, signal) {
      const answer = source.read(position, target, signal);
      if (typeof answer !== 'number') return answer;
      since += answer;
      done += answer;
      if (since < TURN) return answer;
      since = 0;
      run.onProgress({ phase, done: Math.min(done, total), total });
      return afterTurn(answer, run.signal);
    },
  };
}

async function afterTurn(answer: number, signal: AbortSignal | undefined): Promise<number> {
  await nextTurn();
  signal?.throwIfAborted();
  return answer;
}
