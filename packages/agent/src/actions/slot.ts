import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ByteSource, readExactly, readInto, sliceSource } from '@cairn/bytes';
import { DiskError, verifyVerity } from '@cairn/disk';
import type { OpenFile } from '@cairn/host';
import { AgentError } from '../error.ts';
import { mustRun } from '../node/programs.ts';
import { TOP_SIZE } from '../node/slots.ts';
import { type Run, TURN, type Watcher, watched } from './run.ts';
import type { InvalidateSlot, VerifySlot, WriteSlot } from './steps.ts';

/** The proof that a slot was read back and is what the root hash says. Only `verifySlot` makes one. */
class VerifiedSlotToken {
  readonly #rootHash: string;

  constructor(rootHash: string) {
    this.#rootHash = rootHash;
  }

  isOf(rootHash: string): boolean {
    return this.#rootHash === rootHash;
  }
}
export type VerifiedSlot = VerifiedSlotToken;

const CHUNK = 1 << 20;

/**
 * After so much the disk is told to write what it has got, while the next is read. Without that all of it is written by the
 * fsync at the end, and the memory is full of it until then.
 */
const FLUSH_EVERY = 32 << 20;

export async function invalidateSlot({ device, tops }: InvalidateSlot, { host }: Run): Promise<void> {
  await using file = await host.files.open(device, 'exclusive');
  const zeros = new Uint8Array(TOP_SIZE);
  for (const top of tops) {
    if (top + TOP_SIZE <= file.size) await file.write(top, zeros);
  }
  await file.sync();
}

export async function writeSlot({ source, device, root }: WriteSlot, run: Run): Promise<void> {
  const { files } = run.host;
  await using from = await files.open(source, 'read');
  await using to = await files.open(device, 'exclusive');
  await writeRoot(from, to, root, run);
}

/** Where a root is put. */
export type SlotTarget = Pick<OpenFile, 'write' | 'sync'>;

/** Reading the source, and writing to the disk, go on side by side. */
export async function writeRoot(
  from: ByteSource,
  to: SlotTarget,
  root: Pick<WriteSlot['root'], 'hashOffset' | 'size'>,
  run: Watcher,
): Promise<void> {
  const { hashOffset, size } = root;
  const afterTop = Math.min(hashOffset + TOP_SIZE, size);
  const background = new BackgroundFlush(to);
  const report = (done: number) => run.onProgress({ phase: 'write', done, total: size });
  report(0);
  try {
    await copyRange(from, to, 0, hashOffset, { run, background, report });
    await copyRange(from, to, afterTop, size, { run, background, report });
  } finally {
    await background.settled();
  }
  await to.sync();
  // Only now does the slot become one that holds a release.
  await to.write(hashOffset, await readExactly(from, hashOffset, afterTop - hashOffset));
  await to.sync();
  report(size);
}

interface CopyTools {
  readonly run: Watcher;
  readonly background: BackgroundFlush;
  readonly report: (done: number) => void;
}

async function copyRange(
  from: ByteSource,
  to: SlotTarget,
  start: number,
  end: number,
  { run, background, report }: CopyTools,
): Promise<void> {
  const buffer = new Uint8Array(CHUNK);
  let sinceTurn = 0;
  for (let position = start; position < end; ) {
    const part = buffer.subarray(0, Math.min(CHUNK, end - position));
    await readInto(from, position, part, run.signal);
    await to.write(position, part);
    position += part.length;
    sinceTurn += part.length;
    await background.wrote(part.length);
    if (sinceTurn < TURN) continue;
    sinceTurn = 0;
    report(position);
    await nextTurn();
    run.signal?.throwIfAborted();
  }
}

/** Flushes a file again and again in another thread, one flush at a time. */
class BackgroundFlush {
  readonly #file: SlotTarget;
  #since = 0;
  #running: Promise<void> | undefined;

  constructor(file: SlotTarget) {
    this.#file = file;
  }

  async wrote(bytes: number): Promise<void> {
    this.#since += bytes;
    if (this.#since < FLUSH_EVERY) return;
    this.#since = 0;
    await this.#running;
    this.#running = this.#file.sync();
    // Told when it is awaited.
    this.#running.catch(() => {});
  }

  async settled(): Promise<void> {
    await this.#running;
  }
}

/**
 * The device's pages are dropped first (BLKFLSBUF, by blockdev(8)), so that it is the disk that answers. O_DIRECT would do it
 * too, but wants memory at addresses that Node does not promise.
 */
export async function verifySlot({ slot, device, root }: VerifySlot, run: Run): Promise<void> {
  await mustRun(run.host, ['blockdev', '--flushbufs', device]);
  await using file = await run.host.files.open(device, 'read');
  run.found.slot = await verifyRoot(file, root, `${slot} (${device})`, run);
}

/**
 * Verifies what was read back, block by block, up to the root hash.
 *
 * @param name for the message
 * @throws AgentError `not-verified`
 */
export async function verifyRoot(
  file: ByteSource,
  root: VerifySlot['root'],
  name: string,
  run: Watcher,
): Promise<VerifiedSlot> {
  if (file.size < root.size) {
    throw new AgentError('not-verified', `${name} has ${file.size} bytes, the release ${root.size}`);
  }
  run.onProgress({ phase: 'verify', done: 0, total: root.size });
  try {
    await verifyVerity(watched(sliceSource(file, 0, root.size), root.size, run, 'verify'), root.rootHash, {
      hashOffset: root.hashOffset,
      ...(run.signal === undefined ? {} : { signal: run.signal }),
    });
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    throw new AgentError(
      'not-verified',
      `what was read back from ${name} is not the release: ${cause.message}`,
      {
        hint: 'The release is damaged, which `cairn release verify` tells, or the disk is. What runs is not touched.',
        cause,
      },
    );
  }
  run.onProgress({ phase: 'verify', done: root.size, total: root.size });
  return new VerifiedSlotToken(root.rootHash);
}
