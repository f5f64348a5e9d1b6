import type { ByteString, Content } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';

export type TarEntryKind =
  | 'file'
  | 'hardlink'
  | 'symlink'
  | 'directory'
  | 'character-device'
  | 'block-device'
  | 'fifo';

/** One entry of an archive, with pax records and GNU long names applied. */
export interface TarEntry {
  /** As the archive has it: not normalised, so a directory may or may not end in a slash. Never empty. */
  readonly path: ByteString;
  readonly kind: TarEntryKind;
  /** Permission bits with setuid, setgid and sticky: `0o0000` to `0o7777`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  /** By full name, as in `security.capability`. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** Where a symlink points, or the path of the entry that a hard link is another name of; empty for other kinds. */
  readonly linkTarget: ByteString;
  /** 0 unless a device. */
  readonly major: number;
  readonly minor: number;
  /** A view of the archive, not a copy; of size 0 for all kinds but `file`. Of a sparse file, `data` tells what is stored. */
  readonly content: Content;
  /** Where the entry's first header is, in bytes from the start of the archive: for messages. */
  readonly offset: number;
}

/**
 * An entry to write. What is left out is: mode 0755 for directories, 0777 for symlinks and 0644 for all
 * others, owner root, mtime 1970, no xattrs, no content.
 */
export type NewTarEntry = Pick<TarEntry, 'path' | 'kind'> &
  Partial<Omit<TarEntry, 'path' | 'kind' | 'offset'>>;

/** What a hostile archive may make the reader hold. */
export interface TarLimits {
  /** Of a path or a link target, in bytes. */
  readonly pathLength: number;
  /** Of one pax header, in bytes. */
  readonly paxSize: number;
  /** Xattrs in global pax headers: they are copied into every entry that has its own. */
  readonly globalXattrs: number;
  /** Data ranges of all sparse files together. */
  readonly sparseRanges: number;
  readonly entries: number;
}

export const DEFAULT_LIMITS: TarLimits = {
  pathLength: 64 << 10,
  paxSize: 1 << 20,
  globalXattrs: 16,
  sparseRanges: 1_000_000,
  entries: 5_000_000,
};

/** User and group ids are 32 bits wide in Linux. */
export const ID_MAX = 0xffffffff;
