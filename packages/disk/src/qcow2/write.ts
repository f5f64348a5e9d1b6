import {
  alignUp,
  type ByteTarget,
  type Content,
  equalBytes,
  readInto,
  SequentialWriter,
  viewOf,
} from '@cairn/bytes';
import { DiskError } from '../error.ts';

const CLUSTER = 64 * 1024;
const CHUNK = 1 << 20;
const TABLE_ENTRIES = CLUSTER / 8;
/** Guest bytes that one second-level table maps: 512 MiB. */
const TABLE_SPAN = TABLE_ENTRIES * CLUSTER;
/** Host clusters that one block of 16-bit reference counts covers. */
const REFCOUNTS_PER_BLOCK = CLUSTER / 2;
/** QEMU takes a first-level table of up to 32 MiB. */
const MAX_VIRTUAL_SIZE = (32 * 2 ** 20 * TABLE_SPAN) / 8;
/** In a table's entry: the cluster has exactly one reference, so that it may be written in place. */
const COPIED = 1n << 63n;

const HEADER_SIZE = 104;
/** Byte offsets inside of the header (QEMU, docs/interop/qcow2). */
const HEADER = {
  magic: 0,
  version: 4,
  clusterBits: 20,
  virtualSize: 24,
  firstLevelEntries: 36,
  firstLevelOffset: 40,
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  refcountOrder: 96,
  headerSize: 100,
} as const;
const MAGIC = 0x514649fb;

const ZEROS = new Uint8Array(CLUSTER);

/**
 * A qcow2 image (version 3, clusters of 64 KiB, uncompressed) as a target: what is written to a position of the virtual
 * disk gets the file's next cluster, and the tables follow the data when `finish` is called. Clusters of zeros are not
 * stored. The same writes in the same order give the same file.
 *
 * The target underneath must be new: what is not written has to read as zeros. Memory: 128 KiB for each GiB of virtual
 * disk that has data.
 */
export class Qcow2Writer implements ByteTarget {
  readonly #target: ByteTarget;
  readonly #virtualSize: number;
  /** By 512 MiB of the virtual disk: the file's cluster for each of the disk's, 0 where there is none. */
  readonly #tables: (Uint32Array | undefined)[];
  /** The header has the first cluster. */
  #clusters = 1;

  /**
   * @param virtualSize of the disk in bytes, a multiple of 512
   * @throws DiskError `qcow2-invalid-request`
   */
  constructor(target: ByteTarget, virtualSize: number) {
    if (virtualSize % 512 !== 0 || virtualSize < 0 || virtualSize > MAX_VIRTUAL_SIZE) {
      throw new DiskError(
        'qcow2-invalid-request',
        `a qcow2 disk cannot have ${virtualSize} bytes: it has whole sectors of 512, up to ${MAX_VIRTUAL_SIZE} bytes`,
      );
    }
    this.#target = target;
    this.#virtualSize = virtualSize;
    this.#tables = Array.from({ length: Math.ceil(virtualSize / TABLE_SPAN) }, () => undefined);
  }

  /** @throws DiskError `qcow2-invalid-request` for a position beyond the disk's end */
  async write(position: number, chunk: Uint8Array): Promise<void> {
    if (position < 0 || position + chunk.length > this.#virtualSize) {
      throw new DiskError(
        'qcow2-invalid-request',
        `bytes ${position} to ${position + chunk.length} are outside of a disk of ${this.#virtualSize}`,
      );
    }
    let run: { readonly start: number; readonly from: number; end: number } | undefined;
    for (let done = 0; done < chunk.length; ) {
      const within = (position + done) % CLUSTER;
      const end = Math.min(chunk.length, done + CLUSTER - within);
      const host = this.#place(position + done, chunk.subarray(done, end));
      // Clusters that are neighbours in both are written in one go.
      if (run !== undefined && host !== run.start + done - run.from) {
        await this.#target.write(run.start, chunk.subarray(run.from, run.end));
        run = undefined;
      }
      if (host !== undefined) {
        run ??= { start: host, from: done, end };
        run.end = end;
      }
      done = end;
    }
    if (run !== undefined) await this.#target.write(run.start, chunk.subarray(run.from, run.end));
  }

  /** Where in the file a piece of one cluster goes; undefined for zeros that need no place. */
  #place(position: number, piece: Uint8Array): number | undefined {
    const index = Math.floor(position / TABLE_SPAN);
    const entry = Math.floor((position % TABLE_SPAN) / CLUSTER);
    let table = this.#tables[index];
    let cluster = table?.[entry] ?? 0;
    if (cluster === 0) {
      if (equalBytes(piece, ZEROS.subarray(0, piece.length))) return undefined;
      table ??= new Uint32Array(TABLE_ENTRIES);
      this.#tables[index] = table;
      cluster = this.#clusters++;
      table[entry] = cluster;
    }
    return cluster * CLUSTER + (position % CLUSTER);
  }

  /** Writes tables, reference counts and header; nothing may be written after it. */
  async finish(options: { signal?: AbortSignal } = {}): Promise<void> {
    const writer = new SequentialWriter(this.#target, { start: this.#clusters * CLUSTER });
    const firstLevel = viewOf(new Uint8Array(alignUp(this.#tables.length * 8, CLUSTER)));
    for (const [index, table] of this.#tables.entries()) {
      if (table === undefined) continue;
      options.signal?.throwIfAborted();
      firstLevel.setBigUint64(index * 8, BigInt(writer.position) | COPIED);
      await writer.write(encodeTable(table));
    }
    const firstLevelOffset = writer.position;
    await writer.write(bytesOfView(firstLevel));

    const refcountTableOffset = writer.position;
    const sizes = refcountSizes(refcountTableOffset / CLUSTER);
    const refcountTable = viewOf(new Uint8Array(sizes.tableClusters * CLUSTER));
    for (let block = 0; block < sizes.blocks; block++) {
      const cluster = refcountTableOffset / CLUSTER + sizes.tableClusters + block;
      refcountTable.setBigUint64(block * 8, BigInt(cluster) * BigInt(CLUSTER));
    }
    await writer.write(bytesOfView(refcountTable));
    for (let block = 0; block < sizes.blocks; block++) {
      options.signal?.throwIfAborted();
      await writer.write(encodeRefcounts(sizes.total - block * REFCOUNTS_PER_BLOCK));
    }
    await writer.flush();
    await this.#target.write(
      0,
      encodeHeader({
        virtualSize: this.#virtualSize,
        firstLevelEntries: this.#tables.length,
        firstLevelOffset,
        refcountTableOffset,
        refcountTableClusters: sizes.tableClusters,
      }),
    );
  }
}

/** Writes a disk as a qcow2 image; holes of the content are not read. See `Qcow2Writer`. */
export async function writeQcow2(
  disk: Content,
  target: ByteTarget,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const writer = new Qcow2Writer(target, disk.size);
  const buffer = new Uint8Array(CHUNK);
  for (const range of disk.data ?? [{ start: 0, end: disk.size }]) {
    for (let position = range.start; position < range.end; ) {
      options.signal?.throwIfAborted();
      // Chunks end where clusters do, so that no cluster of zeros is stored for a part of it that is not.
      const end = Math.min(range.end, position + CHUNK - (position % CHUNK));
      const chunk = buffer.subarray(0, end - position);
      await readInto(disk, position, chunk, options.signal);
      await writer.write(position, chunk);
      position = end;
    }
  }
  await writer.finish(options);
}

/** A second-level table: the file's offset for each cluster that is stored. */
function encodeTable(table: Uint32Array): Uint8Array {
  const view = viewOf(new Uint8Array(CLUSTER));
  for (const [index, cluster] of table.entries()) {
    if (cluster !== 0) view.setBigUint64(index * 8, (BigInt(cluster) * BigInt(CLUSTER)) | COPIED);
  }
  return bytesOfView(view);
}

/** How many clusters the reference counts take for themselves and for the `used` ones before them. */
function refcountSizes(used: number): { blocks: number; tableClusters: number; total: number } {
  let blocks = 0;
  let tableClusters = 1;
  let total = used + tableClusters;
  while (blocks * REFCOUNTS_PER_BLOCK < total) {
    blocks = Math.ceil(total / REFCOUNTS_PER_BLOCK);
    tableClusters = Math.ceil(blocks / TABLE_ENTRIES);
    total = used + tableClusters + blocks;
  }
  return { blocks, tableClusters, total };
}

/** A block of reference counts with a one for each of the first `count` clusters. */
function encodeRefcounts(count: number): Uint8Array {
  const view = viewOf(new Uint8Array(CLUSTER));
  for (let index = 0; index < Math.min(count, REFCOUNTS_PER_BLOCK); index++) view.setUint16(index * 2, 1);
  return bytesOfView(view);
}

function encodeHeader(fields: {
  readonly virtualSize: number;
  readonly firstLevelEntries: number;
  readonly firstLevelOffset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
}): Uint8Array {
  const view = viewOf(new Uint8Array(CLUSTER));
  view.setUint32(HEADER.magic, MAGIC);
  view.setUint32(HEADER.version, 3);
  view.setUint32(HEADER.clusterBits, Math.log2(CLUSTER));
  view.setBigUint64(HEADER.virtualSize, BigInt(fields.virtualSize));
  view.setUint32(HEADER.firstLevelEntries, fields.firstLevelEntries);
  view.setBigUint64(HEADER.firstLevelOffset, BigInt(fields.firstLevelOffset));
  view.setBigUint64(HEADER.refcountTableOffset, BigInt(fields.refcountTableOffset));
  view.setUint32(HEADER.refcountTableClusters, fields.refcountTableClusters);
  view.setUint32(HEADER.refcountOrder, 4);
  view.setUint32(HEADER.headerSize, HEADER_SIZE);
  return bytesOfView(view);
}

function bytesOfView(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
