import { memorySource } from '@cairn/bytes';
import { AgentError } from '../error.ts';
import { formatEntryName, RECOVERY_FILE } from '../loader/name.ts';
import { ENTRIES_FOLDER, ukiPath } from '../loader/places.ts';
import { putFile } from './files.ts';
import type { Run } from './run.ts';
import type { VerifiedSlot } from './slot.ts';
import type { Commit, CommitRecovery, Promote, RemoveEntries } from './steps.ts';
import type { VerifiedUki } from './uki.ts';

export async function removeEntries({ files }: RemoveEntries, { host, esp }: Run): Promise<void> {
  if (files.length === 0) return;
  for (const file of files) await host.files.remove(`${esp.path}/${ENTRIES_FOLDER}/${file}`);
  await esp.flush(ENTRIES_FOLDER);
}

/**
 * Makes a release bootable. Until its entry has its name the loader knows nothing of it, and slot and UKI have been read back
 * before: that is what the two tokens say.
 */
export async function commit(
  { id, rootHash, generation, tries, entry }: Commit,
  run: Run,
  slot: VerifiedSlot | undefined,
  uki: VerifiedUki | undefined,
): Promise<void> {
  if (!slot?.isOf(rootHash) || !uki?.isOf(id)) {
    throw new AgentError('not-verified', `the release ${id} was not read back: it is not made bootable`);
  }
  await putEntry(run, formatEntryName(generation, tries), entry);
}

/** As `commit`, for the entry that the loader takes after all others. */
export async function commitRecovery(
  { id, rootHash, entry }: CommitRecovery,
  run: Run,
  slot: VerifiedSlot | undefined,
  uki: VerifiedUki | undefined,
): Promise<void> {
  if (!slot?.isOf(rootHash) || !uki?.isOf(id)) {
    throw new AgentError('not-verified', `the release ${id} was not read back: it is not made bootable`);
  }
  await putEntry(run, RECOVERY_FILE, entry);
}

/** The release that it is for runs, or has run, and is verified by the kernel. */
export async function promote({ id, generation, entry }: Promote, run: Run): Promise<void> {
  // An action that is taken up again may come to it when the release is there no more.
  if ((await run.host.files.stat(`${run.esp.path}/${ukiPath(id)}`)) === undefined) return;
  const file = formatEntryName(generation);
  if ((await run.host.files.stat(`${run.esp.path}/${ENTRIES_FOLDER}/${file}`)) !== undefined) return;
  await putEntry(run, file, entry);
}

async function putEntry(run: Run, file: string, entry: string): Promise<void> {
  await putFile(run, `${ENTRIES_FOLDER}/${file}`, memorySource(new TextEncoder().encode(entry)));
  await run.esp.flush(ENTRIES_FOLDER);
}
