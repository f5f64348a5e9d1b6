import type { Content } from '@cairn/bytes';
import type { Timestamp } from '@cairn/tree';
import type { DiskLayout } from '../gpt/layout.ts';

/** Positions and sizes are in bytes. */
export interface IsoExtent {
  readonly position: number;
  readonly size: number;
}

export interface PlacedIsoFile extends IsoExtent {
  readonly path: string;
  /** Undefined for a part of a partition. */
  readonly content: Content | undefined;
}

/** A name in a folder, and its place in the list of `directories` or `files`. */
export interface PlacedIsoName {
  readonly name: string;
  /** Without Rock Ridge. */
  readonly alias: string;
  readonly kind: 'directory' | 'file';
  readonly index: number;
}

export interface PlacedIsoDirectory extends IsoExtent {
  readonly path: string;
  /** Without Rock Ridge; empty for the root. */
  readonly alias: string;
  /** Its place in the list; the root is its own. */
  readonly parent: number;
  readonly children: readonly PlacedIsoName[];
}

/** Where everything of a volume is. */
export interface IsoLayout {
  readonly size: number;
  readonly volumeId: string;
  readonly time: Timestamp;
  readonly applicationUse: Uint8Array;
  /** Level by level, as in the path table: the root first. */
  readonly directories: readonly PlacedIsoDirectory[];
  readonly files: readonly PlacedIsoFile[];
  /** Both forms of the path table. */
  readonly pathTable: { readonly size: number; readonly little: number; readonly big: number };
  /** Where the description of Rock Ridge is. */
  readonly continuation: number;
  readonly boot: { readonly catalog: number; readonly image: IsoExtent } | undefined;
  readonly disk: DiskLayout | undefined;
}
