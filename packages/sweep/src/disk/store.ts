export const SECTOR = 512;
const WORDS = SECTOR / 4;
const SLAB_SECTORS = 2048;
const SLAB = SLAB_SECTORS * SECTOR;

/**
 * Every sector that was seen, once, under a number. So what a file system holds is an array of numbers: it is changed
 * and changed back by a few of them, and two states are the same where the numbers are. 0 is the sector of zeros.
 */
export class SectorStore {
  readonly #slabs: Uint8Array[] = [];
  readonly #words: Int32Array[] = [];
  /** Open addressing, by the hash of the contents; -1 where free. */
  #table = new Int32Array(1 << 16).fill(-1);
  #hashes = new Int32Array(1 << 15);
  #count = 0;
  #bulk = 0;

  constructor() {
    this.intern(new Uint8Array(SECTOR));
  }

  get count(): number {
    return this.#count;
  }

  /** Numbers the sectors of `bytes` (a whole number of them), in order, into `into`. */
  intern(bytes: Uint8Array, into: Uint32Array = new Uint32Array(bytes.length / SECTOR), at = 0): Uint32Array {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
    for (let sector = 0; sector < into.length - at && (sector + 1) * WORDS <= words.length; sector++) {
      into[at + sector] = this.#internOne(words, sector * WORDS);
    }
    return into;
  }

  /** The bytes of a sector: not to be changed. */
  bytes(id: number): Uint8Array {
    const slab = this.#slabs[Math.floor(id / SLAB_SECTORS)];
    const at = (id % SLAB_SECTORS) * SECTOR;
    if (id >= this.#count || slab === undefined) throw new RangeError(`there is no sector ${id}`);
    return slab.subarray(at, at + SECTOR);
  }

  /** What was numbered up to now, other than zeros, is of known large files: see `isBulk`. */
  closeBulk(): void {
    this.#bulk = this.#count;
  }

  /** Whether it is a sector of a known large file: a kernel image, not a folder or a table. */
  isBulk(id: number): boolean {
    return id > 0 && id < this.#bulk;
  }

  get bulkLimit(): number {
    return this.#bulk;
  }

  #internOne(words: Int32Array, start: number): number {
    let hash = 0x811c9dc5;
    let any = 0;
    for (let index = 0; index < WORDS; index++) {
      const word = words[start + index] as number;
      any |= word;
      hash = Math.imul(hash ^ word, 0x01000193);
      hash ^= hash >>> 15;
    }
    if (any === 0 && this.#count > 0) return 0;
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#table[slot] as number;
      if (id < 0) return this.#add(words, start, hash, slot);
      if (this.#hashes[id] === hash && this.#equals(id, words, start)) return id;
    }
  }

  #equals(id: number, words: Int32Array, start: number): boolean {
    const stored = this.#words[Math.floor(id / SLAB_SECTORS)] as Int32Array;
    const base = (id % SLAB_SECTORS) * WORDS;
    for (let index = 0; index < WORDS; index++) {
      if (stored[base + index] !== words[start + index]) return false;
    }
    return true;
  }

  #add(words: Int32Array, start: number, hash: number, slot: number): number {
    const id = this.#count++;
    const slab = Math.floor(id / SLAB_SECTORS);
    if (slab === this.#slabs.length) {
      const bytes = new Uint8Array(SLAB);
      this.#slabs.push(bytes);
      this.#words.push(new Int32Array(bytes.buffer));
    }
    this.#words[slab]?.set(words.subarray(start, start + WORDS), (id % SLAB_SECTORS) * WORDS);
    this.#table[slot] = id;
    this.#hashes[id] = hash;
    if (this.#count * 2 >= this.#table.length) this.#grow();
    return id;
  }

  #grow(): void {
    const table = new Int32Array(this.#table.length * 2).fill(-1);
    const hashes = new Int32Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    for (let id = 0; id < this.#count; id++) {
      let slot = (hashes[id] as number) & (table.length - 1);
      while ((table[slot] as number) >= 0) slot = (slot + 1) & (table.length - 1);
      table[slot] = id;
    }
    this.#table = table;
    this.#hashes = hashes;
  }
}
