import type { Release } from '@cairn/release';
import type { Tries } from '../loader/name.ts';
import type { Denied, Pending } from '../state/types.ts';

/** Loader entries are removed, then the ESP is flushed: what they boot cannot be booted any more. */
export interface RemoveEntries {
  readonly step: 'remove-entries';
  readonly files: readonly string[];
}

/** Files that no entry names any more are removed from the ESP, which is then flushed. Paths are below the ESP. */
export interface RemoveFiles {
  readonly step: 'remove-files';
  readonly paths: readonly string[];
}

/** Header and top hash block of each hash tree in a slot are overwritten with zeros: it holds no release any more. */
export interface InvalidateSlot {
  readonly step: 'invalidate-slot';
  readonly slot: string;
  readonly device: string;
  /** Positions of such headers. */
  readonly tops: readonly number[];
}

/** The root goes into the slot; header and top hash block last, after all else is flushed. */
export interface WriteSlot {
  readonly step: 'write-slot';
  readonly slot: string;
  readonly device: string;
  /** The file with the root. */
  readonly source: string;
  readonly root: Release['root'];
}

/** The slot is read back from the disk, and verified block by block up to the root hash. */
export interface VerifySlot {
  readonly step: 'verify-slot';
  readonly slot: string;
  readonly device: string;
  readonly root: Pick<Release['root'], 'rootHash' | 'hashOffset' | 'size'>;
}

/** Description, then UKI, each under a new name. */
export interface WriteUki {
  readonly step: 'write-uki';
  readonly id: string;
  /** The folder of the release. */
  readonly source: string;
  readonly uki: Release['uki'];
  /** Of `release.json`. */
  readonly description: { readonly size: number; readonly sha256: string };
}

/** The UKI is read back from the disk, and its digest compared. */
export interface VerifyUki {
  readonly step: 'verify-uki';
  readonly id: string;
  readonly uki: Pick<Release['uki'], 'size' | 'sha256'>;
  readonly description?: { readonly size: number; readonly sha256: string };
}

/** One small file makes a release bootable. */
export interface Commit {
  readonly step: 'commit';
  readonly id: string;
  readonly generation: number;
  /** Undefined for a release that is good. */
  readonly tries: Tries | undefined;
  readonly rootHash: string;
  /** The text of the entry. */
  readonly entry: string;
}

/** The entry of the recovery release, of which there is none at this moment. */
export interface CommitRecovery {
  readonly step: 'commit-recovery';
  readonly id: string;
  readonly rootHash: string;
  /** The text of the entry. */
  readonly entry: string;
}

/** The entry of a release that has proven itself gets a twin without a counter; the counted one is removed after that. */
export interface Promote {
  readonly step: 'promote';
  readonly id: string;
  readonly generation: number;
  readonly entry: string;
}

/** A copy of the boot loader on the ESP becomes the one that the running release has, and is read back. */
export interface ReplaceLoader {
  readonly step: 'replace-loader';
  /** Below the ESP. */
  readonly path: string;
  readonly source: string;
  readonly loader: { readonly size: number; readonly sha256: string };
}

/** What the node remembers of it. */
export interface RecordState {
  readonly step: 'record';
  readonly pending?: Pending;
  readonly denied?: Denied;
  /** The release of this root hash is pending no more. */
  readonly settled?: string;
  /** The release of this root hash is good: off the deny list. */
  readonly proven?: string;
}

export type Step =
  | RemoveEntries
  | RemoveFiles
  | InvalidateSlot
  | WriteSlot
  | VerifySlot
  | WriteUki
  | VerifyUki
  | Commit
  | CommitRecovery
  | Promote
  | ReplaceLoader
  | RecordState;

export type ActionKind = 'upgrade' | 'rollback' | 'bless' | 'deny' | 'recovery' | 'boot-loader';

/** What will be done, all of it settled. */
export interface Plan {
  readonly kind: ActionKind;
  /** One sentence. */
  readonly summary: string;
  readonly steps: readonly Step[];
}
