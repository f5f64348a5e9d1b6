import type { DiskEvent } from '../disk/compile.ts';
import type { DiskWrite } from '../disk/model.ts';

/**
 * The writes between two flushes. A cut within it may leave any of them, whole or in part; all before it are on the disk, but what
 * is behind it has not begun.
 */
export interface Epoch {
  readonly number: number;
  /** In the order of the log, those that touch nothing that matters too. */
  readonly writes: readonly DiskWrite[];
  /** Those that do. */
  readonly relevant: readonly DiskWrite[];
  /** How many different states its relevant writes can leave at most: 2 to the power of their sectors, up to 2^30. */
  readonly capacity: number;
  /** Whether it touches the ESP or the tables, where a single sector decides. */
  readonly touchesContent: boolean;
}

export function splitEpochs(events: readonly DiskEvent[]): Epoch[] {
  const epochs: Epoch[] = [];
  let writes: DiskWrite[] = [];
  function close(): void {
    if (writes.length > 0) epochs.push(epochOf(epochs.length, writes));
    writes = [];
  }
  for (const event of events) {
    if (event.kind === 'flush') close();
    else writes.push(event.write);
  }
  close();
  return epochs;
}

function epochOf(number: number, writes: readonly DiskWrite[]): Epoch {
  const relevant = writes.filter(({ runs }) => runs.length > 0);
  const sectors = relevant.reduce((sum, write) => sum + write.sectors, 0);
  return {
    number,
    writes,
    relevant,
    capacity: 2 ** Math.min(30, sectors),
    touchesContent: relevant.some(({ runs }) => runs.some(({ area }) => area === 'content')),
  };
}

/** How much more often a cut is tried where single sectors decide. */
const CONTENT_WEIGHT = 8;

/** Deals `count` states out to the epochs: by weight, none more than there can be in it. By the epochs' numbers. */
export function dealStates(epochs: readonly Epoch[], count: number): number[] {
  const dealt = epochs.map(() => 0);
  let left = count;
  for (;;) {
    const open = epochs.filter((epoch) => epoch.relevant.length > 0 && room(epoch, dealt) > 0);
    const weights = open.reduce((sum, epoch) => sum + weightOf(epoch), 0);
    if (left <= 0 || weights === 0) return dealt;
    const share = left / weights;
    for (const epoch of open) {
      const states = Math.min(room(epoch, dealt), Math.max(1, Math.floor(share * weightOf(epoch))), left);
      dealt[epoch.number] = (dealt[epoch.number] ?? 0) + states;
      left -= states;
    }
  }
}

function weightOf(epoch: Epoch): number {
  return epoch.touchesContent ? CONTENT_WEIGHT : 1;
}

/** All or nothing of an epoch are prefixes. */
function room(epoch: Epoch, dealt: readonly number[]): number {
  return Math.max(0, epoch.capacity - 2) - (dealt[epoch.number] ?? 0);
}
