import { type ByteSource, type ByteString, readInto } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { parseVeritySuperblock, VERITY_BLOCK_SIZE, VERITY_SUPERBLOCK_SIZE } from './superblock.ts';
import {
  type BlockDigest,
  blockDigest,
  DIGESTS_PER_BLOCK,
  digestAt,
  type VerityLevel,
  verityLevels,
} from './tree.ts';

export interface VerifyOptions {
  /** Where the dm-verity header is: right after the data. */
  readonly hashOffset: number;
  readonly signal?: AbortSignal;
}

/** The data that one block of hashes is over. */
const GROUP_SIZE = DIGESTS_PER_BLOCK * VERITY_BLOCK_SIZE;

/**
 * Reads all data before `hashOffset` and checks it against the hash tree there, and that against the root hash.
 * Memory is a block a level.
 *
 * @param rootHash in hexadecimal
 * @throws DiskError `verity-corrupt` naming the first block that is wrong, `verity-malformed` or
 *   `verity-unsupported` for the header
 */
export async function verifyVerity(
  source: ByteSource,
  rootHash: string,
  options: VerifyOptions,
): Promise<void> {
  const { hashOffset, signal } = options;
  if (!/^[0-9a-f]{64}$/i.test(rootHash)) {
    throw new DiskError(
      'verity-invalid-request',
      `${JSON.stringify(rootHash)} is not a root hash of SHA-256`,
    );
  }
  const header = await readPart(source, hashOffset, VERITY_SUPERBLOCK_SIZE, 'the dm-verity header', signal);
  const { dataBlocks, salt } = parseVeritySuperblock(header);
  if (dataBlocks * VERITY_BLOCK_SIZE !== hashOffset) {
    throw new DiskError(
      'verity-corrupt',
      `the dm-verity header is for ${dataBlocks} data blocks, but ${hashOffset / VERITY_BLOCK_SIZE} come before it`,
    );
  }
  const tree = new TreeReader(source, hashOffset, blockDigest(salt), rootHash, signal);
  await tree.verifyData();
}

class TreeReader {
  readonly #source: ByteSource;
  readonly #hashOffset: number;
  readonly #digest: BlockDigest;
  readonly #root: ByteString;
  readonly #signal: AbortSignal | undefined;
  readonly #levels: readonly VerityLevel[];
  /** The block of each level that was read and verified last. */
  readonly #current: { index: number; block: Uint8Array }[];

  constructor(
    source: ByteSource,
    hashOffset: number,
    digest: BlockDigest,
    rootHash: string,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#hashOffset = hashOffset;
    this.#digest = digest;
    this.#root = Buffer.from(rootHash, 'hex').toString('latin1');
    this.#signal = signal;
    this.#levels = verityLevels(hashOffset / VERITY_BLOCK_SIZE);
    this.#current = this.#levels.map(() => ({ index: -1, block: new Uint8Array() }));
  }

  /** Goes through the data by what one block of the lowest level covers. */
  async verifyData(): Promise<void> {
    const buffer = new Uint8Array(Math.min(GROUP_SIZE, this.#hashOffset));
    for (let start = 0; start < this.#hashOffset; start += GROUP_SIZE) {
      this.#signal?.throwIfAborted();
      const group = buffer.subarray(0, this.#hashOffset - start);
      await readInto(this.#source, start, group, this.#signal);
      const digests = await this.#digests(0, start / GROUP_SIZE);
      for (let offset = 0, i = 0; offset < group.length; offset += VERITY_BLOCK_SIZE, i++) {
        if (this.#digest(group.subarray(offset, offset + VERITY_BLOCK_SIZE)) !== digests(i)) {
          throw wrong(`data block ${(start + offset) / VERITY_BLOCK_SIZE}`, start + offset);
        }
      }
    }
  }

  /** The digests in a block of a level, once it is verified itself; above the last level there is only the root hash. */
  async #digests(level: number, index: number): Promise<(i: number) => ByteString> {
    const { start } = this.#levels[level] ?? {};
    const current = this.#current[level];
    if (start === undefined || current === undefined) return () => this.#root;
    if (current.index !== index) {
      const position = this.#hashOffset + start + index * VERITY_BLOCK_SIZE;
      const name = `block ${index} of level ${level} of the hash tree`;
      current.block = await readPart(this.#source, position, VERITY_BLOCK_SIZE, name, this.#signal);
      const above = await this.#digests(level + 1, Math.floor(index / DIGESTS_PER_BLOCK));
      if (this.#digest(current.block) !== above(index % DIGESTS_PER_BLOCK)) throw wrong(name, position);
      current.index = index;
    }
    return (i) => digestAt(current.block, i);
  }
}

function wrong(block: string, position: number): DiskError {
  return new DiskError(
    'verity-corrupt',
    `${block}, at byte ${position}, is not what it was when it was hashed`,
  );
}

async function readPart(
  source: ByteSource,
  position: number,
  size: number,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(position) || position < 0 || position + size > source.size) {
    throw new DiskError(
      'verity-corrupt',
      `${name}, at byte ${position}, is beyond the end at ${source.size}`,
    );
  }
  const bytes = new Uint8Array(size);
  await readInto(source, position, bytes, signal);
  return bytes;
}
