/**
 * The on-disk format of EROFS, as far as both writer and reader need it: Linux's
 * Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h. All numbers are little-endian.
 */

export const BLOCK_BITS = 12;
export const BLOCK_SIZE = 1 << BLOCK_BITS;

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_SIZE = 128;
export const SUPERBLOCK_MAGIC = 0xe0f5e1e2;

export const FEATURE_COMPAT_CHECKSUM = 0x1;
/** The extended inodes' time is mtime (it once was called ctime). */
export const FEATURE_COMPAT_MTIME = 0x2;
export const FEATURE_INCOMPAT_CHUNKED_FILE = 0x4;

/** An inode's number is its distance from the start of the metadata, in slots of this size. */
export const SLOT_SIZE = 32;
export const COMPACT_INODE_SIZE = 32;
export const EXTENDED_INODE_SIZE = 64;

/** How an inode's data is laid out (bits 1 to 3 of `i_format`). */
export const LAYOUT_PLAIN = 0;
export const LAYOUT_COMPRESSED_FULL = 1;
export const LAYOUT_INLINE = 2;
export const LAYOUT_COMPRESSED_COMPACT = 3;
export const LAYOUT_CHUNKED = 4;

export const CHUNK_BITS_MASK = 0x1f;
/** The chunk index has entries of 8 bytes with a device number, not block addresses of 4 bytes. */
export const CHUNK_FORMAT_INDEXES = 0x20;
/** The block address of a hole. */
export const NULL_ADDRESS = 0xffffffff;

export const DIRENT_SIZE = 12;
export const NAME_LIMIT = 255;
/** PATH_MAX of Linux without its final zero byte. */
export const SYMLINK_LIMIT = 4095;

export const XATTR_HEADER_SIZE = 12;
export const XATTR_ENTRY_SIZE = 4;

/** The index that stands for the start of an extended attribute's name. */
export const XATTR_PREFIXES: readonly {
  readonly index: number;
  readonly prefix: string;
  readonly whole?: true;
}[] = [
  { index: 1, prefix: 'user.' },
  { index: 2, prefix: 'system.posix_acl_access', whole: true },
  { index: 3, prefix: 'system.posix_acl_default', whole: true },
  { index: 4, prefix: 'trusted.' },
  { index: 6, prefix: 'security.' },
];

/** The file type bits of `i_mode` (inode(7)) and the type that a directory entry carries. */
export const KINDS = {
  file: { mode: 0o100000, dirent: 1 },
  directory: { mode: 0o040000, dirent: 2 },
  'character-device': { mode: 0o020000, dirent: 3 },
  'block-device': { mode: 0o060000, dirent: 4 },
  fifo: { mode: 0o010000, dirent: 5 },
  socket: { mode: 0o140000, dirent: 6 },
  symlink: { mode: 0o120000, dirent: 7 },
} as const;

/** The same words as the kinds of a tree's inodes. */
export type ErofsKind = keyof typeof KINDS;
