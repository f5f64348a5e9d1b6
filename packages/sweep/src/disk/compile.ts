import { type ByteSource, readInto } from '@cairn/bytes';
import type { LogEntry } from '../log/format.ts';
import { readLog } from '../log/read.ts';
import type { Area, Watched } from './layout.ts';
import { DiskModel, type DiskWrite, type Run } from './model.ts';
import type { SweepRelease } from './release.ts';
import { SECTOR, type SectorStore } from './store.ts';

const CHUNK = 1 << 20;
const ZEROS = new Uint8Array(CHUNK);

/** An area of the disk and where its cells are. */
interface Place extends Area {
  readonly area: Run['area'];
  readonly cell: number;
}

/** What the log says, as far as it matters: writes by what they do to the model, and flushes. */
export type DiskEvent =
  | { readonly kind: 'write'; readonly write: DiskWrite }
  | { readonly kind: 'flush'; readonly entry: number };

/** Turns bytes of a disk into the values of a model's cells. All data is read once, in chunks; what is kept is a hundredth of it. */
export class Compiler {
  readonly watched: Watched;
  readonly store: SectorStore;
  readonly releases: readonly SweepRelease[];
  readonly #places: readonly Place[];
  readonly #espCell: number;
  readonly #chunk = new Uint8Array(CHUNK);
  readonly #other = new Uint8Array(CHUNK);

  constructor(watched: Watched, store: SectorStore, releases: readonly SweepRelease[]) {
    this.watched = watched;
    this.store = store;
    this.releases = releases;
    const places: Place[] = [];
    let cell = 0;
    for (const { start, size } of [watched.head, watched.tail, watched.esp]) {
      places.push({ area: 'content', start, size, cell });
      cell += size / SECTOR;
    }
    this.#espCell = (watched.head.size + watched.tail.size) / SECTOR;
    const longest = Math.max(...releases.map(({ root }) => root.size));
    for (const [index, slot] of watched.slots.entries()) {
      const size = Math.min(slot.size, Math.ceil(longest / SECTOR) * SECTOR);
      places.push({ area: index, start: slot.start, size, cell: 0 });
    }
    this.#places = places;
  }

  /** The model of the disk before the first write. */
  async baseModel(base: ByteSource, signal?: AbortSignal): Promise<DiskModel> {
    const cells = this.#espCell + this.watched.esp.size / SECTOR;
    const content = new Uint32Array(cells);
    const slots: Uint8Array[] = [];
    for (const place of this.#places) {
      const count = place.size / SECTOR;
      const values =
        place.area === 'content' ? content.subarray(place.cell, place.cell + count) : new Uint8Array(count);
      if (place.area !== 'content') slots[place.area] = values as Uint8Array;
      await this.#fill(0, values, base, place.start, signal);
    }
    const { store } = this;
    const releases = this.releases.length;
    const model = new DiskModel({ store, espCell: this.#espCell, content, slots, releases });
    for (const [slot, area] of this.watched.slots.entries()) {
      for (const [index, { root }] of this.releases.entries()) {
        // What has no room in a slot is never whole there.
        if (root.size > area.size) model.wrong[slot * releases + index] = 1 << 30;
      }
    }
    return model;
  }

  /** All writes and flushes of a log. */
  async events(log: ByteSource, signal?: AbortSignal): Promise<DiskEvent[]> {
    const events: DiskEvent[] = [];
    for await (const entry of readLog(log, signal)) {
      if (entry.flush) events.push({ kind: 'flush', entry: entry.index });
      if (entry.length > 0) events.push({ kind: 'write', write: await this.#write(entry, log, signal) });
    }
    return events;
  }

  async #write(entry: LogEntry, log: ByteSource, signal?: AbortSignal): Promise<DiskWrite> {
    const runs: Run[] = [];
    for (const place of this.#places) {
      const start = Math.max(entry.position, place.start);
      const end = Math.min(entry.position + entry.length, place.start + place.size);
      if (start >= end) continue;
      const first = (start - place.start) / SECTOR;
      const count = (end - start) / SECTOR;
      const values = place.area === 'content' ? new Uint32Array(count) : new Uint8Array(count);
      const from = entry.discard ? undefined : entry.dataPosition + start - entry.position;
      await this.#fill(first, values, from === undefined ? undefined : log, from ?? 0, signal);
      const offset = (start - entry.position) / SECTOR;
      runs.push({ area: place.area, cell: place.cell + first, offset, values });
    }
    return { entry: entry.index, sectors: entry.length / SECTOR, fua: entry.fua, runs };
  }

  /** The values of the cells from the `first` sector of a place on; without a source, of zeros. */
  async #fill(
    first: number,
    values: Uint32Array | Uint8Array,
    source: ByteSource | undefined,
    position: number,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let done = 0; done < values.length; done += CHUNK / SECTOR) {
      signal?.throwIfAborted();
      const count = Math.min(CHUNK / SECTOR, values.length - done);
      const bytes = this.#chunk.subarray(0, count * SECTOR);
      if (source === undefined) bytes.fill(0);
      else await readInto(source, position + done * SECTOR, bytes, signal);
      const part = values.subarray(done, done + count);
      if (part instanceof Uint32Array) this.#intern(bytes, part);
      else await this.#compare(bytes, (first + done) * SECTOR, part, signal);
    }
  }

  #intern(bytes: Uint8Array, values: Uint32Array): void {
    if (Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0) values.fill(0);
    else this.store.intern(bytes, values);
  }

  /** Sets, for each sector of a slot, the bits of the releases that have it so. */
  async #compare(
    bytes: Uint8Array,
    position: number,
    values: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    values.fill(0);
    for (const [index, { root }] of this.releases.entries()) {
      const bit = 1 << index;
      const length = Math.max(0, Math.min(bytes.length, root.size - position));
      const wanted = this.#other.subarray(0, length);
      await readInto(root, position, wanted, signal);
      const equal = Buffer.compare(bytes.subarray(0, length), wanted) === 0;
      for (let sector = 0; sector < values.length; sector++) {
        const at = sector * SECTOR;
        const end = Math.min(at + SECTOR, length);
        const same =
          equal || at >= length || Buffer.compare(bytes.subarray(at, end), wanted.subarray(at, end)) === 0;
        if (same) values[sector] = (values[sector] ?? 0) | bit;
      }
    }
  }
}
