import type { SectorStore } from './store.ts';

/**
 * Where a write touches what is watched: `values` go to the cells from `cell` on, and belong to the write's sectors from
 * `offset` on.
 */
export interface Run {
  /** `content`: numbers of sectors in the store. A number: the slot with it, and bits of the releases. */
  readonly area: 'content' | number;
  readonly cell: number;
  readonly offset: number;
  readonly values: Uint32Array | Uint8Array;
}

/** A write of the log, as far as it touches what is watched. */
export interface DiskWrite {
  /** Of the log's entry. */
  readonly entry: number;
  readonly sectors: number;
  /** On the disk when it ended. */
  readonly fua: boolean;
  /** Empty for a write that changes nothing that matters. */
  readonly runs: readonly Run[];
}

/** Half-open ranges of a write's sectors, ascending: start, end, start, end, ... */
export type SectorRanges = readonly number[];

/** Changed by every bit of a part of the disk: two states with the same numbers are the same. */
export interface Fingerprint {
  a: number;
  b: number;
}

export interface ModelShape {
  readonly store: SectorStore;
  /** Cells below are of the partition tables, the others of the ESP. */
  readonly espCell: number;
  readonly content: Uint32Array;
  /** By slot: one byte a sector, whose bit n says that it is as release n has it. */
  readonly slots: readonly Uint8Array[];
  readonly releases: number;
}

interface Saved {
  readonly run: Run;
  readonly from: number;
  readonly old: Uint32Array | Uint8Array;
}

/**
 * The watched parts of a disk, kept up to date write by write. A state is made by a few `apply`, and taken back by `restore`:
 * nothing is copied or hashed as a whole.
 */
export class DiskModel {
  readonly store: SectorStore;
  readonly content: Uint32Array;
  readonly espCell: number;
  readonly slots: readonly Uint8Array[];
  readonly releases: number;
  /** By slot and release: how many sectors are not as the release has them. */
  readonly wrong: Int32Array;
  readonly tables: Fingerprint = { a: 0, b: 0 };
  readonly esp: Fingerprint = { a: 0, b: 0 };
  /** Of all on the ESP but the sectors of known large files. */
  readonly metadata: Fingerprint = { a: 0, b: 0 };
  #journal: Saved[] | undefined;
  #saved: { wrong: Int32Array; prints: readonly Fingerprint[] } | undefined;

  constructor(shape: ModelShape) {
    this.store = shape.store;
    this.espCell = shape.espCell;
    this.content = shape.content;
    this.slots = shape.slots;
    this.releases = shape.releases;
    this.wrong = new Int32Array(shape.slots.length * shape.releases);
    for (const [slot, bits] of shape.slots.entries()) {
      for (const value of bits) {
        for (let release = 0; release < this.releases; release++) {
          if ((value & (1 << release)) === 0) this.#count(slot, release, 1);
        }
      }
    }
  }

  wrongIn(slot: number, release: number): number {
    return this.wrong[slot * this.releases + release] ?? 0;
  }

  /** From here on, changes can be taken back. */
  mark(): void {
    this.#journal = [];
    const prints = this.#prints().map((print) => ({ ...print }));
    this.#saved = { wrong: this.wrong.slice(), prints };
  }

  /** Takes back all since `mark`. */
  restore(): void {
    const journal = this.#journal ?? [];
    for (let index = journal.length - 1; index >= 0; index--) {
      const { run, from, old } = journal[index] as Saved;
      this.#cells(run).set(old, run.cell + from);
    }
    if (this.#saved !== undefined) {
      this.wrong.set(this.#saved.wrong);
      for (const [index, print] of this.#prints().entries()) Object.assign(print, this.#saved.prints[index]);
    }
    this.#journal = undefined;
    this.#saved = undefined;
  }

  /** Makes a write, or only some of its sectors. */
  apply(write: DiskWrite, ranges: SectorRanges = [0, write.sectors]): void {
    for (const run of write.runs) {
      const end = run.offset + run.values.length;
      for (let index = 0; index + 1 < ranges.length; index += 2) {
        const from = Math.max(ranges[index] as number, run.offset) - run.offset;
        const to = Math.min(ranges[index + 1] as number, end) - run.offset;
        if (from < to) this.#applyRun(run, from, to);
      }
    }
  }

  #applyRun(run: Run, from: number, to: number): void {
    const cells = this.#cells(run);
    const start = run.cell + from;
    this.#journal?.push({ run, from, old: cells.slice(start, run.cell + to) });
    if (run.area === 'content') this.#applyContent(run, from, to);
    else this.#applySlot(run.area, run, from, to);
  }

  #applyContent(run: Run, from: number, to: number): void {
    const { content, store } = this;
    for (let index = from; index < to; index++) {
      const cell = run.cell + index;
      const old = content[cell] as number;
      const value = run.values[index] as number;
      if (old === value) continue;
      content[cell] = value;
      if (cell < this.espCell) {
        toggle(this.tables, cell, old);
        toggle(this.tables, cell, value);
        continue;
      }
      toggle(this.esp, cell, old);
      toggle(this.esp, cell, value);
      if (!store.isBulk(old)) toggle(this.metadata, cell, old);
      if (!store.isBulk(value)) toggle(this.metadata, cell, value);
    }
  }

  #applySlot(slot: number, run: Run, from: number, to: number): void {
    const bits = this.#cells(run);
    for (let index = from; index < to; index++) {
      const cell = run.cell + index;
      const old = bits[cell] as number;
      const value = run.values[index] as number;
      if (old === value) continue;
      bits[cell] = value;
      const changed = old ^ value;
      for (let release = 0; release < this.releases; release++) {
        if (changed & (1 << release)) this.#count(slot, release, value & (1 << release) ? -1 : 1);
      }
    }
  }

  #cells(run: Run): Uint32Array | Uint8Array {
    return run.area === 'content' ? this.content : (this.slots[run.area] as Uint8Array);
  }

  #count(slot: number, release: number, step: number): void {
    const index = slot * this.releases + release;
    this.wrong[index] = (this.wrong[index] ?? 0) + step;
  }

  #prints(): Fingerprint[] {
    return [this.tables, this.esp, this.metadata];
  }
}

/** Puts a cell with its value in, or takes it out again. The print of a state does not depend on how it came about. */
function toggle(print: Fingerprint, cell: number, value: number): void {
  let a = Math.imul(cell ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(value + 0x7f4a7c15, 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 16), 0x7feb352d);
  a = Math.imul(a ^ (a >>> 15), 0x846ca68b);
  let b = Math.imul(value ^ 0x2c1b3c6d, 0xc2b2ae35) + Math.imul(cell + 0x165667b1, 0x27d4eb2f);
  b = Math.imul(b ^ (b >>> 15), 0x2c1b3c6d);
  b = Math.imul(b ^ (b >>> 12), 0x297a2d39);
  print.a = (print.a ^ a ^ (a >>> 16)) | 0;
  print.b = (print.b ^ b ^ (b >>> 15)) | 0;
}
