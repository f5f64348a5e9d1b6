import { type ByteString, type Content, memorySource } from '@cairn/bytes';

/** Seconds since 1970 (may be negative) and nanoseconds, 0 to 999,999,999. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** What every inode has, whatever its kind. */
export interface Attributes {
  /** Permission bits with setuid, setgid and sticky: `0o0000` to `0o7777`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  /** By full name, as in `security.capability`. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

export interface RegularFile extends Attributes {
  readonly kind: 'file';
  readonly content: Content;
}

export interface Directory extends Attributes {
  readonly kind: 'directory';
  readonly entries: Map<ByteString, Inode>;
}

export interface Symlink extends Attributes {
  readonly kind: 'symlink';
  readonly target: ByteString;
}

export interface DeviceNode extends Attributes {
  readonly kind: 'character-device' | 'block-device';
  readonly major: number;
  readonly minor: number;
}

export interface SpecialFile extends Attributes {
  readonly kind: 'fifo' | 'socket';
}

/**
 * One file of a tree. Hard links are one object under several names: identity is what makes them one inode,
 * and the number of names is its link count.
 */
export type Inode = RegularFile | Directory | Symlink | DeviceNode | SpecialFile;

export const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map();

const EPOCH: Timestamp = { seconds: 0, nanoseconds: 0 };

function attributes(mode: number, given: Partial<Attributes>): Attributes {
  return { mode, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS, ...given };
}

/** A directory of root's, mode 0755, unless told otherwise. */
export function makeDirectory(given: Partial<Attributes> = {}): Directory {
  return { kind: 'directory', ...attributes(0o755, given), entries: new Map() };
}

/** A file of root's, mode 0644, unless told otherwise. */
export function makeFile(
  content: Content | Uint8Array | string,
  given: Partial<Attributes> = {},
): RegularFile {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    kind: 'file',
    ...attributes(0o644, given),
    content: bytes instanceof Uint8Array ? memorySource(bytes) : bytes,
  };
}

export function makeSymlink(target: ByteString, given: Partial<Attributes> = {}): Symlink {
  return { kind: 'symlink', ...attributes(0o777, given), target };
}
