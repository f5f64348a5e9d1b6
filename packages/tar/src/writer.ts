import {
  alignUp,
  type ByteString,
  type ByteTarget,
  type Content,
  memorySource,
  SequentialWriter,
} from '@cairn/bytes';
import { NO_XATTRS } from '@cairn/tree';
import { ID_MAX, type NewTarEntry, type TarEntry } from './entry.ts';
import { quoted, TarError } from './error.ts';
import { BLOCK } from './layout.ts';
import { planEntry } from './plan.ts';

const EPOCH = { seconds: 0, nanoseconds: 0 };
const NO_CONTENT = memorySource(new Uint8Array(0));

/**
 * Writes an archive as a stream: ustar, with pax headers for what ustar cannot hold, sparse files as GNU sparse
 * 1.0. The same entries give the same bytes: no names of users, no times but the entries' own. Reading it back
 * with `readTar` gives the same entries.
 *
 * One call at a time; nothing is complete before `finish` has returned.
 */
export class TarWriter {
  readonly #writer: SequentialWriter;
  readonly #start: number;
  readonly #signal: AbortSignal | undefined;
  #isOpen = true;

  /** @param options.start where in the target the archive begins */
  constructor(target: ByteTarget, options: { readonly start?: number; readonly signal?: AbortSignal } = {}) {
    this.#start = options.start ?? 0;
    this.#signal = options.signal;
    this.#writer = new SequentialWriter(target, { start: this.#start });
  }

  /** Where in the target the next byte goes. */
  get position(): number {
    return this.#writer.position;
  }

  /**
   * Appends one entry. Of a content with holes only the blocks of 512 bytes that have data are read and stored.
   *
   * @throws TarError `bad-entry` or `limit`, and nothing is written; `truncated` when the content ends before its
   *   size: the archive is then of no use any more, and neither is the writer
   */
  async add(entry: NewTarEntry): Promise<void> {
    this.#checkOpen();
    this.#signal?.throwIfAborted();
    const whole = complete(entry);
    const { head, data } = planEntry(whole);
    this.#isOpen = false;
    await this.#writer.write(head);
    for (const range of data) await this.#copy(whole.content, range.start, range.end, whole.path);
    await this.#writer.skipTo(this.#start + alignUp(this.position - this.#start, BLOCK));
    this.#isOpen = true;
  }

  /** Writes the end of the archive, two blocks of zeros, and flushes. */
  async finish(): Promise<void> {
    this.#checkOpen();
    this.#signal?.throwIfAborted();
    this.#isOpen = false;
    await this.#writer.skipTo(this.position + 2 * BLOCK);
    await this.#writer.flush();
  }

  #checkOpen(): void {
    if (!this.#isOpen)
      throw new TarError('finished', 'this archive is finished, busy, or an entry of it failed');
  }

  async #copy(content: Content, start: number, end: number, path: ByteString): Promise<void> {
    for (let position = start; position < end; ) {
      this.#signal?.throwIfAborted();
      const room = await this.#writer.room(end - position);
      const answer = content.read(position, room, this.#signal);
      const count = typeof answer === 'number' ? answer : await answer;
      if (count === 0) {
        throw new TarError(
          'truncated',
          `${quoted(path)}: its content ends at byte ${position} of ${content.size}`,
        );
      }
      this.#writer.advance(count);
      position += count;
    }
  }
}

function complete(entry: NewTarEntry): Omit<TarEntry, 'offset'> {
  const defaultMode = entry.kind === 'directory' ? 0o755 : entry.kind === 'symlink' ? 0o777 : 0o644;
  const whole = {
    path: entry.path,
    kind: entry.kind,
    mode: entry.mode ?? defaultMode,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: entry.mtime ?? EPOCH,
    xattrs: entry.xattrs ?? NO_XATTRS,
    linkTarget: entry.linkTarget ?? '',
    major: entry.major ?? 0,
    minor: entry.minor ?? 0,
    content: entry.content ?? NO_CONTENT,
  };
  const problem = problemWith(whole);
  if (problem !== undefined) throw new TarError('bad-entry', `${quoted(entry.path)}: ${problem}`);
  return whole;
}

/** Why an entry cannot be written so that it is read back as it is; undefined where it can. */
function problemWith(entry: Omit<TarEntry, 'offset'>): string | undefined {
  const isLink = entry.kind === 'hardlink' || entry.kind === 'symlink';
  const isDevice = entry.kind === 'character-device' || entry.kind === 'block-device';
  const names = [entry.path, entry.linkTarget, ...entry.xattrs.keys()];
  if (entry.path === '') return 'an entry needs a path';
  // oxlint-disable-next-line no-control-regex -- NUL is what is looked for
  if (names.some((name) => /[^\x01-\xff]/.test(name)))
    return 'a name has a NUL, or characters that are not bytes';
  if (entry.xattrs.has('')) return 'an xattr has no name';
  if (isLink !== (entry.linkTarget !== '')) return 'links, and only links, have a target';
  if (entry.kind === 'file' && entry.path.endsWith('/')) return 'a path that ends in a slash is a directory';
  if (entry.kind !== 'file' && entry.content.size !== 0) return 'only files have content';
  if (!isDevice && (entry.major !== 0 || entry.minor !== 0)) return 'only devices have numbers';
  if (!isWhole(entry.mode, 0o7777)) return `mode ${entry.mode} is not one of 0 to 0o7777`;
  if (!isWhole(entry.content.size, Number.MAX_SAFE_INTEGER)) return `${entry.content.size} is not a size`;
  if (![entry.uid, entry.gid, entry.major, entry.minor].every((id) => isWhole(id, ID_MAX))) {
    return `an owner or device number is not one of 0 to ${ID_MAX}`;
  }
  const { seconds, nanoseconds } = entry.mtime;
  if (!Number.isSafeInteger(seconds) || !isWhole(nanoseconds, 999_999_999)) return 'its mtime is not a time';
  return areRangesValid(entry.content) ? undefined : 'its data ranges are out of order or beyond its size';
}

function isWhole(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}

function areRangesValid({ data = [], size }: Content): boolean {
  let reached = 0;
  for (const { start, end } of data) {
    if (!isWhole(start, end) || start < reached || !isWhole(end, size)) return false;
    reached = end;
  }
  return true;
}
