import type { ByteSource } from '@cairn/bytes';
import { memorySource } from '@cairn/bytes';
import type { FatFile } from '@cairn/disk';
import type { Files, OpenFile } from '@cairn/host';
import {
  bootLoaderIn,
  espFiles,
  openLive,
  RECOVERY_ENTRY,
  type Release,
  recoveryEntry,
} from '@cairn/release';
import { BOOT_RECORD, LIVE_SLOT } from '../boot/places.ts';
import { parseBootRecord } from '../boot/record.ts';
import { AgentError } from '../error.ts';
import { checkParts, loadCandidate } from '../upgrade/candidate.ts';

/** The release that is installed, opened and looked through. */
export interface InstallSource extends AsyncDisposable {
  readonly release: Release;
  readonly root: ByteSource;
  /** The files of the new disk's ESP. */
  readonly esp: readonly FatFile[];
  /** The configuration on the live medium. */
  readonly config: Uint8Array | undefined;
  /** As it is told of. */
  readonly name: string;
}

/**
 * Opens a release's folder, or else the live medium that was booted.
 *
 * @throws AgentError `bad-request` where there is neither, `bad-release`; ReleaseError `bad-release`
 */
export async function openSource(
  files: Files,
  folder: string | undefined,
  signal?: AbortSignal,
): Promise<InstallSource> {
  return folder === undefined ? openMedium(files, signal) : openFolder(files, folder, signal);
}

async function openMedium(files: Files, signal?: AbortSignal): Promise<InstallSource> {
  const device = await mediumOf(files);
  if (device === undefined) {
    throw new AgentError(
      'bad-request',
      'this system was not booted from a live medium: there is nothing to install',
      {
        hint: 'Name a release by its folder: `--source FOLDER`.',
      },
    );
  }
  const file = await files.open(device, 'read');
  return opened([file], async () => {
    const { release, root, uki, config } = await openLive(file, signal);
    await checkParts({ release, root, uki, place: device }, signal);
    return { release, root, uki, config, name: device };
  });
}

async function openFolder(files: Files, folder: string, signal?: AbortSignal): Promise<InstallSource> {
  const { release } = await loadCandidate(files, folder, signal);
  const root = await files.open(`${folder}/${release.root.file}`, 'read');
  const uki = await files.open(`${folder}/${release.uki.file}`, 'read');
  return opened([root, uki], async () => ({ release, root, uki, config: undefined, name: folder }));
}

interface Parts extends Omit<InstallSource, 'esp' | typeof Symbol.asyncDispose> {
  readonly uki: ByteSource;
}

async function opened(open: readonly OpenFile[], look: () => Promise<Parts>): Promise<InstallSource> {
  const close = async () => {
    for (const file of open) await file.close();
  };
  try {
    const { uki, ...parts } = await look();
    const bootLoader = await bootLoaderIn(parts.root);
    const entry = memorySource(new TextEncoder().encode(recoveryEntry(parts.release)));
    const esp = [...espFiles(parts.release, { uki, bootLoader }), { path: RECOVERY_ENTRY, content: entry }];
    return { ...parts, esp, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The live medium's device; undefined on a node. */
export async function mediumOf(files: Files): Promise<string | undefined> {
  const booted = parseBootRecord((await files.readText(BOOT_RECORD)) ?? '');
  return booted?.slot === LIVE_SLOT ? booted.disk : undefined;
}
