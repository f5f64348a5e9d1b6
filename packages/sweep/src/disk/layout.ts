import { type ByteSource, readExactly, readInto } from '@cairn/bytes';
import { DiskError, type Gpt, PARTITION_TYPE, parseGpt } from '@cairn/disk';
import { SweepError } from '../error.ts';
import type { LogEntry } from '../log/format.ts';
import { readLog } from '../log/read.ts';
import { SECTOR } from './store.ts';

/** Labels of the partitions that hold releases (docs/disk-layout.md). */
export const SLOT_LABELS = ['cairn-a', 'cairn-b', 'cairn-recovery'] as const;
export type SlotLabel = (typeof SLOT_LABELS)[number];

/** A part of the disk that decides what boots. Bytes, in whole sectors. */
export interface Area {
  readonly start: number;
  readonly size: number;
}

export interface SlotArea extends Area {
  readonly label: SlotLabel;
}

/** The parts of a disk that decide what boots; all others are passed over. */
export interface Watched {
  readonly diskSize: number;
  /** The partition tables at both ends. */
  readonly head: Area;
  readonly tail: Area;
  readonly esp: Area;
  readonly slots: readonly SlotArea[];
}

const EDGE = 1 << 20;

/**
 * Finds what is to be watched: the partitions of the table that the disk has when the log has been replayed. An
 * installation begins with an empty disk, and a first boot adds partitions.
 *
 * @throws SweepError `bad-disk` where there is no table, or partitions have moved
 */
export async function planWatched(base: ByteSource, log: ByteSource, signal?: AbortSignal): Promise<Watched> {
  const size = Math.floor(base.size / SECTOR) * SECTOR;
  if (size < 4 * EDGE) throw new SweepError('bad-disk', `a disk of ${base.size} bytes is too small`);
  const head = await readExactly(base, 0, EDGE, signal);
  const tail = await readExactly(base, size - EDGE, EDGE, signal);
  const before = await tableOf(size, head, tail);
  for await (const entry of readLog(log, signal)) {
    await overlay(log, entry, 0, head, signal);
    await overlay(log, entry, size - EDGE, tail, signal);
  }
  const after = await tableOf(size, head, tail);
  const table = after ?? before;
  if (table === undefined) throw new SweepError('bad-disk', 'the disk has no partition table, nor gets one');
  const watched = areasOf(table, size);
  if (before !== undefined && after !== undefined) checkUnmoved(areasOf(before, size), watched);
  return watched;
}

async function tableOf(size: number, head: Uint8Array, tail: Uint8Array): Promise<Gpt | undefined> {
  try {
    return await parseGpt(edgeSource(size, head, tail));
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

/** A disk of which only the ends are known. */
function edgeSource(size: number, head: Uint8Array, tail: Uint8Array): ByteSource {
  return {
    size,
    read(position, target) {
      const count = Math.max(0, Math.min(target.length, size - position));
      for (let index = 0; index < count; index++) {
        const at = position + index;
        target[index] = at < EDGE ? (head[at] ?? 0) : (tail[at - (size - EDGE)] ?? 0);
      }
      return count;
    },
  };
}

/** Puts what an entry writes into an area over the area's bytes. */
async function overlay(
  log: ByteSource,
  entry: LogEntry,
  areaStart: number,
  area: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const start = Math.max(entry.position, areaStart);
  const end = Math.min(entry.position + entry.length, areaStart + area.length);
  if (start >= end) return;
  const part = area.subarray(start - areaStart, end - areaStart);
  if (entry.discard) part.fill(0);
  else await readInto(log, entry.dataPosition + start - entry.position, part, signal);
}

function areasOf(table: Gpt, diskSize: number): Watched {
  const esp = table.partitions.find((partition) => partition.type === PARTITION_TYPE.esp);
  if (esp === undefined) throw new SweepError('bad-disk', 'the disk has no EFI system partition');
  const slots = SLOT_LABELS.flatMap((label) => {
    const found = table.partitions.find((partition) => partition.label === label);
    return found === undefined ? [] : [{ label, start: found.start, size: found.size }];
  });
  const first = Math.min(...table.partitions.map(({ start }) => start));
  const last = Math.max(...table.partitions.map(({ start, size }) => start + size));
  const tailStart = Math.max(diskSize - EDGE, last);
  return {
    diskSize,
    head: { start: 0, size: Math.min(EDGE, first) },
    tail: { start: tailStart, size: diskSize - tailStart },
    esp: { start: esp.start, size: esp.size },
    slots,
  };
}

function checkUnmoved(before: Watched, after: Watched): void {
  const moved = [[before.esp, after.esp] as const];
  for (const slot of before.slots) {
    const same = after.slots.find(({ label }) => label === slot.label);
    if (same !== undefined) moved.push([slot, same]);
  }
  for (const [old, now] of moved) {
    if (old.start === now.start && old.size === now.size) continue;
    throw new SweepError('bad-disk', `a partition at ${old.start} moves or grows while it is watched`);
  }
}
