import { open, stat, truncate, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TestkitError } from '../error.ts';
import { runProgram } from './program.ts';

export type DiskFormat = 'raw' | 'qcow2';

export interface DiskOptions {
  readonly path: string;
  /** Raw unless given. */
  readonly format?: DiskFormat;
  /**
   * `overlay` (unless given otherwise): what the guest writes goes to a file in the machine's folder, the
   * disk stays as it is. `direct`: the guest writes to the disk itself.
   */
  readonly access?: 'overlay' | 'direct';
  /** Bytes that the guest sees, if more than the disk has; with an overlay only. */
  readonly size?: number;
  /**
   * A file that gets every write and flush of the guest, in the format of the kernel's dm-log-writes (QEMU's block
   * driver blklogwrites), anew each time that the machine is switched on.
   */
  readonly writeLog?: string;
}

/** The file that QEMU opens for a disk of a machine. */
export interface AttachedDisk {
  readonly file: string;
  readonly format: DiskFormat;
  readonly writeLog?: string;
}

/** Room for a log of writes: it is a hole until it is written to. The driver does not let its file grow. */
const WRITE_LOG_SIZE = 64 * 2 ** 30;

/** A bit of a disk: byte `offset` as the guest counts, bit 0 the least significant. */
export interface BitPosition {
  readonly offset: number;
  readonly bit: number;
}

/**
 * Makes the overlay of a disk, unless it is there already or the disk is used directly.
 *
 * @throws TestkitError `bad-option`, `program-missing` and `program-failed` of qemu-img
 */
export async function attachDisk(
  disk: DiskOptions,
  overlay: string,
  signal?: AbortSignal,
): Promise<AttachedDisk> {
  const format = disk.format ?? 'raw';
  const { path } = disk;
  if ((await stat(path).catch(() => undefined)) === undefined) {
    throw new TestkitError('bad-option', `there is no disk ${path}`);
  }
  if (disk.access === 'direct') {
    if (disk.size !== undefined) {
      throw new TestkitError('bad-option', `${path} is used directly and cannot be given another size`);
    }
    return withLog(disk, { file: path, format });
  }
  if ((await stat(overlay).catch(() => undefined)) === undefined) {
    const args = ['create', '-q', '-f', 'qcow2', '-b', path, '-F', format, overlay];
    if (disk.size !== undefined) args.push(String(disk.size));
    await runProgram('qemu-img', args, signal);
  }
  return withLog(disk, { file: overlay, format: 'qcow2' });
}

async function withLog({ writeLog }: DiskOptions, attached: AttachedDisk): Promise<AttachedDisk> {
  if (writeLog === undefined) return attached;
  await writeFile(writeLog, '');
  await truncate(writeLog, WRITE_LOG_SIZE);
  return { ...attached, writeLog: resolve(writeLog) };
}

/**
 * Inverts one bit of a file of bytes: a raw disk, or firmware variables. @throws TestkitError `bad-option`
 */
export async function flipBit(path: string, offset: number, bit: number): Promise<void> {
  checkBit({ offset, bit });
  const file = await open(path, 'r+');
  try {
    const byte = new Uint8Array(1);
    const { bytesRead } = await file.read(byte, 0, 1, offset);
    if (bytesRead === 0) {
      throw new TestkitError('bad-option', `byte ${offset} is beyond the end of ${path}`);
    }
    await file.write(
      byte.map((value) => value ^ (1 << bit)),
      0,
      1,
      offset,
    );
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Inverts one bit as the guest will read it, whatever the format of the disk. The machine must be off. */
export async function flipDiskBit(
  disk: AttachedDisk,
  position: BitPosition,
  signal?: AbortSignal,
): Promise<void> {
  if (disk.format === 'raw') return flipBit(disk.file, position.offset, position.bit);
  checkBit(position);
  const { offset, bit } = position;
  const io = (command: string): Promise<string> =>
    runProgram('qemu-io', ['-f', disk.format, '-c', command, disk.file], signal);
  // `read -v` prints one line of dump: the position, the bytes in hexadecimal, the characters.
  const dump = await io(`read -v ${offset} 1`);
  const byte = /^[0-9a-f]{8,}:\s+([0-9a-f]{2})\s/m.exec(dump)?.[1];
  if (byte === undefined) {
    throw new TestkitError('program-failed', `qemu-io did not read byte ${offset} of ${disk.file}: ${dump}`);
  }
  const value = Number.parseInt(byte, 16) ^ (1 << bit);
  const written = await io(`write -P ${value} ${offset} 1`);
  if (!written.includes('wrote 1/1 bytes')) {
    throw new TestkitError('program-failed', `qemu-io did not write to ${disk.file}: ${written}`);
  }
}

function checkBit({ offset, bit }: BitPosition): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isInteger(bit) || bit < 0 || bit > 7) {
    throw new TestkitError('bad-option', `there is no bit ${bit} of byte ${offset}`);
  }
}
