import { alignUp } from '@cairn/bytes';
import { BLOCK_SIZE, SLOT_SIZE } from './format.ts';

/** How many blocks with room left are remembered: enough to pack well, few enough to keep neighbours near each other. */
const OPEN_LIMIT = 32;

/**
 * Finds places for inodes, with all that follows them, so that none crosses the end of a block unless it is
 * larger than one. Best fit among the last blocks that were opened: without it, tails of half a block on
 * average would waste a quarter of the metadata.
 */
export class BlockPacker {
  /** Where the free room of each open block starts. A block's room always ends with the block. */
  readonly #open: number[] = [];
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  /** The end of the last block that has something in it. */
  get end(): number {
    return this.#end;
  }

  /** The position for `size` bytes. */
  place(size: number): number {
    const wanted = alignUp(size, SLOT_SIZE);
    const found = this.#bestFit(wanted);
    if (found >= 0) {
      const position = this.#open[found] as number;
      const rest = position + wanted;
      if (rest % BLOCK_SIZE === 0) this.#open.splice(found, 1);
      else this.#open[found] = rest;
      return position;
    }
    const position = this.#end;
    this.#end = alignUp(position + wanted, BLOCK_SIZE);
    if (position + wanted < this.#end) this.#remember(position + wanted);
    return position;
  }

  #bestFit(wanted: number): number {
    let best = -1;
    let bestRoom = BLOCK_SIZE;
    for (let i = 0; i < this.#open.length; i++) {
      const room = roomFrom(this.#open[i] as number);
      if (room >= wanted && room < bestRoom) {
        best = i;
        bestRoom = room;
      }
    }
    return best;
  }

  #remember(position: number): void {
    if (this.#open.length === OPEN_LIMIT) {
      const rooms = this.#open.map(roomFrom);
      this.#open.splice(rooms.indexOf(Math.min(...rooms)), 1);
    }
    this.#open.push(position);
  }
}

function roomFrom(position: number): number {
  return BLOCK_SIZE - (position % BLOCK_SIZE);
}
