import { createCipheriv } from 'node:crypto';
import { alignUp, memorySource } from '@cairn/bytes';
import { type Directory, makeFile, place } from '@cairn/tree';

/** Small files as applications and their libraries have them, and a few large ones as data and models are. */
const SMALL_FILES = 40_000;
const SMALLEST = 4 << 10;
const LARGEST_SMALL = 64 << 10;
const LARGE = 64 << 20;
const FILES_A_FOLDER = 200;
const FOLDER = '/srv/data';

/** Describes all that settles which files there are: for the name of what is kept of them. */
export const FILLER_VERSION = [SMALL_FILES, SMALLEST, LARGEST_SMALL, LARGE, FILES_A_FOLDER, FOLDER].join(' ');

/** Bytes that cannot be compressed, the same at every run: the key stream of AES in counter mode. */
function pseudoRandomBytes(size: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', new Uint8Array(16), new Uint8Array(16));
  return cipher.update(new Uint8Array(size));
}

/** A linear congruential generator (Numerical Recipes): 32 bits, always the same row. */
function makeGenerator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Adds files of pseudo-random bytes to a tree, `size` bytes of them at least: always the same ones. */
export function addFiller(root: Directory, size: number): void {
  const pool = pseudoRandomBytes(LARGE);
  const random = makeGenerator(1);
  const attributes = { mtime: root.mtime };
  let total = 0;
  for (let index = 0; index < SMALL_FILES && total < size; index++) {
    const length = SMALLEST + random(LARGEST_SMALL - SMALLEST);
    const start = alignUp(random(LARGE - LARGEST_SMALL), 8);
    const folder = String(Math.floor(index / FILES_A_FOLDER)).padStart(3, '0');
    const content = memorySource(pool.subarray(start, start + length));
    place(root, `${FOLDER}/${folder}/${index}.bin`, makeFile(content, attributes));
    total += length;
  }
  for (let index = 0; total < size; index++) {
    const length = Math.min(LARGE, size - total);
    place(root, `${FOLDER}/large-${index}.bin`, makeFile(pool.subarray(0, length), attributes));
    total += length;
  }
}
