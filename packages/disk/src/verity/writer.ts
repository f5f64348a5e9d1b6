import { type ByteString, type ByteTarget, SequentialWriter } from '@cairn/bytes';
import { DiskError } from '../error.ts';
import { encodeVeritySuperblock, SALT_LIMIT, UUID_SIZE, VERITY_BLOCK_SIZE } from './superblock.ts';
import { type BlockDigest, blockDigest, DIGEST_SIZE, verityLevels, veritySize } from './tree.ts';

export interface VerityOptions {
  /** 16 bytes; `veritysetup` shows it, nothing depends on it. */
  readonly uuid: Uint8Array;
  /** Up to 256 bytes; none unless given. */
  readonly salt?: Uint8Array;
}

export interface VerityResult {
  /** In lower-case hexadecimal. */
  readonly rootHash: string;
  /** Where the header is: the size of the data. */
  readonly hashOffset: number;
  /** Of data, header and tree, in bytes. */
  readonly totalSize: number;
}

/** The block of hashes that is being filled, and the ones before it on their way out. */
interface OpenLevel {
  readonly block: Buffer;
  filled: number;
  readonly writer: SequentialWriter;
}

/** Hash blocks are gathered into writes of this size. */
const LEVEL_BUFFER_SIZE = 64 << 10;

/**
 * Passes data on to a target and appends the dm-verity header and hash tree to it, as `veritysetup format
 * --hash-offset=SIZE` does (Linux's Documentation/admin-guide/device-mapper/verity.rst; cryptsetup's
 * "DMVerity" on-disk format). Where each level of the tree goes is known from the size of the data, so
 * hashes are written behind the data as they come up, and memory is a few blocks.
 */
export class VerityWriter implements ByteTarget {
  readonly #target: ByteTarget;
  readonly #dataSize: number;
  readonly #options: VerityOptions;
  readonly #digest: BlockDigest;
  readonly #levels: readonly OpenLevel[];
  /** The start of a block whose rest has not come yet. */
  readonly #partial = new Uint8Array(VERITY_BLOCK_SIZE);
  #position = 0;
  #root: ByteString = '';

  /**
   * @param dataSize in bytes, a multiple of 4096
   * @throws DiskError `verity-invalid-request`
   */
  constructor(target: ByteTarget, dataSize: number, options: VerityOptions) {
    const { uuid, salt = new Uint8Array() } = options;
    if (!Number.isSafeInteger(dataSize) || dataSize <= 0 || dataSize % VERITY_BLOCK_SIZE !== 0) {
      throw new DiskError(
        'verity-invalid-request',
        `dm-verity needs data in whole blocks of ${VERITY_BLOCK_SIZE} bytes, not ${dataSize} bytes`,
      );
    }
    if (uuid.length !== UUID_SIZE || salt.length > SALT_LIMIT) {
      throw new DiskError(
        'verity-invalid-request',
        `a UUID has ${UUID_SIZE} bytes and a salt up to ${SALT_LIMIT}, not ${uuid.length} and ${salt.length}`,
      );
    }
    this.#target = target;
    this.#dataSize = dataSize;
    this.#options = options;
    this.#digest = blockDigest(salt);
    this.#levels = verityLevels(dataSize / VERITY_BLOCK_SIZE).map((level) => ({
      block: Buffer.alloc(VERITY_BLOCK_SIZE),
      filled: 0,
      writer: new SequentialWriter(target, { start: dataSize + level.start, capacity: LEVEL_BUFFER_SIZE }),
    }));
  }

  /**
   * The next bytes of the data.
   *
   * @throws DiskError `verity-invalid-request` for a gap, a step back, or more than was announced
   */
  async write(position: number, chunk: Uint8Array): Promise<void> {
    if (position !== this.#position || position + chunk.length > this.#dataSize) {
      throw new DiskError(
        'verity-invalid-request',
        `data for dm-verity must come in order up to ${this.#dataSize}: ${chunk.length} bytes came for ${position}, not for ${this.#position}`,
      );
    }
    this.#position += chunk.length;
    // The target may write in another thread while this one computes digests.
    await Promise.all([this.#target.write(position, chunk), this.#hash(position, chunk)]);
  }

  /**
   * Writes what is left of the tree, and the header.
   *
   * @throws DiskError `verity-invalid-request` where data is missing
   */
  async finish(): Promise<VerityResult> {
    if (this.#position !== this.#dataSize) {
      throw new DiskError(
        'verity-invalid-request',
        `dm-verity was to be over ${this.#dataSize} bytes, only ${this.#position} came`,
      );
    }
    for (const [index, level] of this.#levels.entries()) {
      if (level.filled > 0) await this.#closeBlock(index, level);
      await level.writer.flush();
    }
    const header = new Uint8Array(VERITY_BLOCK_SIZE);
    const { uuid, salt = new Uint8Array() } = this.#options;
    header.set(encodeVeritySuperblock({ uuid, salt, dataBlocks: this.#dataSize / VERITY_BLOCK_SIZE }));
    await this.#target.write(this.#dataSize, header);
    return {
      rootHash: Buffer.from(this.#root, 'latin1').toString('hex'),
      hashOffset: this.#dataSize,
      totalSize: this.#dataSize + veritySize(this.#dataSize),
    };
  }

  async #hash(position: number, chunk: Uint8Array): Promise<void> {
    const waiting = position % VERITY_BLOCK_SIZE;
    let rest = chunk;
    if (waiting > 0) {
      const part = rest.subarray(0, VERITY_BLOCK_SIZE - waiting);
      this.#partial.set(part, waiting);
      rest = rest.subarray(part.length);
      if (waiting + part.length < VERITY_BLOCK_SIZE) return;
      await this.#put(0, this.#digest(this.#partial));
    }
    let start = 0;
    for (; start + VERITY_BLOCK_SIZE <= rest.length; start += VERITY_BLOCK_SIZE) {
      const full = this.#put(0, this.#digest(rest.subarray(start, start + VERITY_BLOCK_SIZE)));
      if (full !== undefined) await full;
    }
    this.#partial.set(rest.subarray(start));
  }

  /** Adds a digest to a level, or makes it the root above the last one. */
  #put(index: number, digest: ByteString): Promise<void> | undefined {
    const level = this.#levels[index];
    if (level === undefined) {
      this.#root = digest;
      return undefined;
    }
    level.block.write(digest, level.filled, 'latin1');
    level.filled += DIGEST_SIZE;
    return level.filled === VERITY_BLOCK_SIZE ? this.#closeBlock(index, level) : undefined;
  }

  async #closeBlock(index: number, level: OpenLevel): Promise<void> {
    await level.writer.write(level.block);
    const digest = this.#digest(level.block);
    level.block.fill(0);
    level.filled = 0;
    await this.#put(index + 1, digest);
  }
}
