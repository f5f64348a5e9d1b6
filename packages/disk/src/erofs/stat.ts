import type { ByteString } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import type { ErofsKind } from './format.ts';

export interface ErofsStat {
  readonly nid: number;
  readonly kind: ErofsKind;
  /** `0o0000` to `0o7777` */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  readonly links: number;
  /** In bytes. */
  readonly size: number;
  /** Of device nodes. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** The bytes that the inode takes in the metadata, with its extended attributes and chunk index, without data. */
  readonly metadataSize: number;
}

export interface ErofsEntry {
  readonly name: ByteString;
  readonly nid: number;
  /** Undefined where the directory does not say. */
  readonly kind: ErofsKind | undefined;
}
