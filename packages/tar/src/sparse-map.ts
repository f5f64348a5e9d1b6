import { errorAt, type Place } from './error.ts';

/**
 * The map of a sparse file of format 1.0, which comes block by block: decimal numbers with a newline after each, the
 * number of ranges first, then offset and length of each (GNU tar manual, "PAX Format, Version 1.0").
 */
export class SparseMapParser {
  /** Offset, length, offset, length, ... */
  readonly numbers: number[] = [];
  readonly #limit: number;
  readonly #place: Place;
  #expected: number | undefined;
  #value = 0;
  #digits = 0;

  constructor(limit: number, place: Place) {
    this.#limit = limit;
    this.#place = place;
  }

  /**
   * @returns whether the map is complete; the rest of the block is padding
   * @throws TarError `bad-header`, `limit`
   */
  feed(block: Uint8Array): boolean {
    for (const byte of block) {
      if (byte === 0x0a && this.#digits > 0) {
        this.#endNumber();
        if (this.numbers.length === this.#expected) return true;
        continue;
      }
      this.#value = this.#value * 10 + byte - 0x30;
      this.#digits++;
      if (byte < 0x30 || byte > 0x39 || this.#digits > 16 || !Number.isSafeInteger(this.#value)) {
        throw errorAt('bad-header', this.#place, 'its sparse map is not a list of numbers');
      }
    }
    return false;
  }

  #endNumber(): void {
    if (this.#expected !== undefined) {
      this.numbers.push(this.#value);
    } else if (this.#value > this.#limit) {
      throw errorAt(
        'limit',
        this.#place,
        `its sparse map has ${this.#value} ranges, the limit is ${this.#limit}`,
      );
    } else {
      this.#expected = this.#value * 2;
    }
    this.#value = 0;
    this.#digits = 0;
  }
}
