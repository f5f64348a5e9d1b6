import { type ByteSource, readExactly, readInto } from '@cairn/bytes';
import { check, type LogEntry, type LogSuperblock, parseLogEntry, parseLogSuperblock } from './format.ts';

/** Marks are short; a sector of a log may be 8 MiB. */
const MAX_ENTRY_READ = 4096;

export async function readLogSuperblock(log: ByteSource, signal?: AbortSignal): Promise<LogSuperblock> {
  check(log.size >= 512, 'it is shorter than a sector');
  return parseLogSuperblock(await readExactly(log, 0, 512, signal));
}

/**
 * The entries of a log, in its order, without their data: that is in `log` from `dataPosition` on, and is there in full.
 * What lies behind the number of entries in the superblock is left out.
 *
 * @throws SweepError `log-malformed`, also for a log that ends early
 */
export async function* readLog(log: ByteSource, signal?: AbortSignal): AsyncGenerator<LogEntry> {
  const { entries, sectorSize } = await readLogSuperblock(log, signal);
  const buffer = new Uint8Array(Math.min(sectorSize, MAX_ENTRY_READ));
  let at = sectorSize;
  for (let index = 0; index < entries; index++) {
    signal?.throwIfAborted();
    check(at + sectorSize <= log.size, `it ends at entry ${index} of ${entries}`);
    await readInto(log, at, buffer, signal);
    const entry = parseLogEntry(buffer, index, at, sectorSize);
    check(entry.next <= log.size, `it ends in the data of entry ${index} of ${entries}`);
    at = entry.next;
    yield entry;
  }
}
