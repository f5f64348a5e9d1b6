import type { DiskLayout } from '@cairn/disk';
import type { Release } from '@cairn/release';
import type { LoadOption } from '../efi/load-option.ts';

/** Where something is on the disk, in bytes. */
export interface Place {
  readonly label: string;
  readonly start: number;
  readonly size: number;
}

/** Both partition tables and what else lies at the disk's ends go, are flushed, and then the beginning of each new partition. */
export interface WipeDisk {
  readonly step: 'wipe-disk';
  readonly places: readonly Place[];
}

/** A FAT32 with boot loader, UKI and entries. */
export interface WriteEsp {
  readonly step: 'write-esp';
  readonly place: Place;
  readonly volumeId: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

export interface WriteRoot {
  readonly step: 'write-root';
  readonly place: Place;
  readonly root: Release['root'];
}

/** A file system for what can be written, with the configuration in it where it is OEM's. */
export interface MakeFileSystem {
  readonly step: 'make-file-system';
  readonly place: Place;
  readonly uuid: string;
  readonly config: boolean;
}

export interface VerifyEsp {
  readonly step: 'verify-esp';
  readonly place: Place;
  readonly volumeId: number;
}

export interface VerifyRoot {
  readonly step: 'verify-root';
  readonly place: Place;
  readonly root: Release['root'];
}

/** The partition table: the backup first, then the one at the disk's start. Before it the disk boots nothing, after it the whole system. */
export interface WriteTable {
  readonly step: 'write-table';
  readonly layout: DiskLayout;
}

/** The kernel reads the table, and mounts what was made. */
export interface CheckFileSystems {
  readonly step: 'check-file-systems';
  readonly labels: readonly string[];
  readonly config: boolean;
}

/** The firmware boots the disk first. */
export interface AddBootOption {
  readonly step: 'add-boot-option';
  readonly option: LoadOption;
  /** Ids of the partitions that were on the disk: options for them go. */
  readonly gone: readonly string[];
}

export type InstallStep =
  | WipeDisk
  | WriteEsp
  | WriteRoot
  | MakeFileSystem
  | VerifyEsp
  | VerifyRoot
  | WriteTable
  | CheckFileSystems
  | AddBootOption;

/** What will be done to a disk, all of it settled. */
export interface InstallPlan {
  readonly kind: 'install';
  /** One sentence. */
  readonly summary: string;
  readonly device: string;
  /** What is on the disk now, and is lost; undefined where it is empty. */
  readonly lost: string | undefined;
  readonly steps: readonly InstallStep[];
}
