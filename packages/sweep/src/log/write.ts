import { type ByteTarget, bytesOf, viewOf } from '@cairn/bytes';
import { SweepError } from '../error.ts';
import { ENTRY, ENTRY_SIZE, FLAG, MAGIC, SUPERBLOCK, VERSION } from './format.ts';

/** Writes a log as QEMU and the kernel do; for tests, and for logs that are made from other recordings. */
export class LogWriter {
  readonly #target: ByteTarget;
  readonly #sectorSize: number;
  #at: number;
  #entries = 0;

  constructor(target: ByteTarget, options: { readonly sectorSize?: number } = {}) {
    this.#target = target;
    this.#sectorSize = options.sectorSize ?? 512;
    this.#at = this.#sectorSize;
  }

  async write(position: number, data: Uint8Array, options: { readonly fua?: boolean } = {}): Promise<void> {
    await this.#entry(position, data.length, options.fua === true ? FLAG.fua : 0);
    await this.#target.write(this.#at, data);
    this.#at += data.length;
  }

  async discard(position: number, length: number): Promise<void> {
    await this.#entry(position, length, FLAG.discard);
  }

  async mark(text: string): Promise<void> {
    await this.#entry(0, 0, FLAG.mark, bytesOf(text));
  }

  /** A flush; the superblock then counts all entries so far. */
  async flush(): Promise<void> {
    await this.#entry(0, 0, FLAG.flush);
    await this.finish();
  }

  /** Has the superblock count all entries so far. */
  async finish(): Promise<void> {
    const bytes = new Uint8Array(this.#sectorSize);
    const view = viewOf(bytes);
    view.setBigUint64(SUPERBLOCK.magic, MAGIC, true);
    view.setBigUint64(SUPERBLOCK.version, VERSION, true);
    view.setBigUint64(SUPERBLOCK.entries, BigInt(this.#entries), true);
    view.setUint32(SUPERBLOCK.sectorSize, this.#sectorSize, true);
    await this.#target.write(0, bytes);
  }

  async #entry(
    position: number,
    length: number,
    flags: number,
    text: Uint8Array = new Uint8Array(),
  ): Promise<void> {
    const unit = this.#sectorSize;
    if (position % unit !== 0 || length % unit !== 0 || ENTRY_SIZE + text.length > unit) {
      throw new SweepError(
        'bad-option',
        `${length} bytes at ${position} are not whole sectors of ${unit} bytes`,
      );
    }
    const bytes = new Uint8Array(unit);
    const view = viewOf(bytes);
    view.setBigUint64(ENTRY.sector, BigInt(position / unit), true);
    view.setBigUint64(ENTRY.sectors, BigInt(length / unit), true);
    view.setBigUint64(ENTRY.flags, BigInt(flags), true);
    view.setBigUint64(ENTRY.dataLength, BigInt(text.length), true);
    bytes.set(text, ENTRY_SIZE);
    await this.#target.write(this.#at, bytes);
    this.#at += unit;
    this.#entries++;
  }
}
