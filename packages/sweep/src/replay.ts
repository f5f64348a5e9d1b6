import { type ByteSource, type ByteTarget, readInto } from '@cairn/bytes';
import type { DiskEvent } from './disk/compile.ts';
import { SECTOR } from './disk/store.ts';
import { SweepError } from './error.ts';
import type { LogEntry } from './log/format.ts';
import { readLog } from './log/read.ts';
import type { Prepared } from './prepare.ts';
import { formatStateId, type StateId } from './states/id.ts';
import { cutOf, type Pick } from './states/sample.ts';

/** What is written over the base to make a state: whole entries first, then parts. */
interface Replay {
  /** Entries of the log, by number, that are written in full, in order. */
  readonly entries: ReadonlySet<number>;
  readonly picks: readonly Pick[];
}

const CHUNK = 1 << 20;
const ZEROS = new Uint8Array(CHUNK);

/** Puts the model into a state. It must be as `prepareSweep` made it. */
export function enterState(prepared: Prepared, id: StateId): void {
  const { entries, picks } = planReplay(prepared, id);
  for (const event of prepared.events) {
    if (event.kind === 'write' && entries.has(event.write.entry)) prepared.model.apply(event.write);
  }
  for (const { write, ranges } of picks) prepared.model.apply(write, ranges);
}

/**
 * Makes a state on a disk that holds the base. Writes that touch nothing that is watched are made up to where the cut was.
 *
 * @throws SweepError `bad-state` for one that this log and seed do not have
 */
export async function writeState(
  prepared: Prepared,
  id: StateId,
  log: ByteSource,
  target: ByteTarget,
  signal?: AbortSignal,
): Promise<void> {
  const { entries, picks } = planReplay(prepared, id);
  const picked = new Map<number, LogEntry>();
  const wanted = new Set(picks.map(({ write }) => write.entry));
  for await (const entry of readLog(log, signal)) {
    if (entries.has(entry.index)) await copyEntry(entry, [0, entry.length / SECTOR], log, target, signal);
    if (wanted.has(entry.index)) picked.set(entry.index, entry);
  }
  for (const { write, ranges = [0, write.sectors] } of picks) {
    const entry = picked.get(write.entry);
    if (entry !== undefined) await copyEntry(entry, ranges, log, target, signal);
  }
}

function planReplay({ events, epochs }: Prepared, id: StateId): Replay {
  if (id.kind === 'prefix') {
    return { entries: entriesWhere(events, (entry) => entry < id.entries), picks: [] };
  }
  const epoch = epochs[id.epoch];
  if (epoch === undefined || epoch.relevant.length === 0) {
    throw new SweepError('bad-state', `${formatStateId(id)}: this log has no cuts in epoch ${id.epoch}`);
  }
  const cut = cutOf(epoch, id.number, id.seed);
  const start = epoch.writes[0]?.entry ?? 0;
  const relevant = new Set(epoch.relevant.map(({ entry }) => entry));
  const end = epoch.relevant[cut.begun - 1]?.entry ?? start;
  return {
    entries: entriesWhere(events, (entry) => entry < start || (entry < end && !relevant.has(entry))),
    picks: cut.picks,
  };
}

function entriesWhere(events: readonly DiskEvent[], holds: (entry: number) => boolean): Set<number> {
  return new Set(
    events.flatMap((event) =>
      event.kind === 'write' && holds(event.write.entry) ? [event.write.entry] : [],
    ),
  );
}

async function copyEntry(
  entry: LogEntry,
  ranges: readonly number[],
  log: ByteSource,
  target: ByteTarget,
  signal?: AbortSignal,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(CHUNK, entry.length));
  for (let index = 0; index + 1 < ranges.length; index += 2) {
    const end = (ranges[index + 1] ?? 0) * SECTOR;
    for (let at = (ranges[index] ?? 0) * SECTOR; at < end; at += CHUNK) {
      const length = Math.min(CHUNK, end - at);
      const chunk = entry.discard ? ZEROS.subarray(0, length) : buffer.subarray(0, length);
      if (!entry.discard) await readInto(log, entry.dataPosition + at, chunk, signal);
      await target.write(entry.position + at, chunk);
    }
  }
}
