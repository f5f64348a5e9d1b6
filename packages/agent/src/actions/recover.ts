import { CairnError } from '@cairn/bytes';
import { parseEntryName, RECOVERY_FILE } from '../loader/name.ts';
import { ENTRIES_FOLDER } from '../loader/places.ts';
import type { ActionRecord } from '../state/types.ts';
import { finish, isCommit, pointOfNoReturn, resume } from './execute.ts';
import { JOURNAL_FILE, type Journal, loadJournal, removeJournal } from './journal.ts';
import type { Run } from './run.ts';
import type { Step } from './steps.ts';

/** What was done about an action that was interrupted. */
export interface Recovery {
  readonly kind: Journal['plan']['kind'];
  readonly outcome: 'finished' | 'undone';
  /** One sentence. */
  readonly detail: string;
}

/**
 * Ends an action that a cut of power, a kill or a failure has interrupted: before its commit there is nothing to undo that
 * boots, and half-written files are taken away by the next upgrade; if the loader has its entry, the rest is done.
 */
export async function recover(run: Run): Promise<Recovery | undefined> {
  const journal = await readJournal(run);
  if (journal === undefined) return undefined;
  const { plan, step } = journal;
  const at = plan.steps.findIndex(isCommit);
  const committed = step >= pointOfNoReturn(plan) && (await isCommitted(run, plan.steps[at]));
  const outcome = committed ? 'finished' : 'undone';
  if (committed) {
    await run.esp.allowWrites();
    // The entry may have come into the loader's folder without having come to the disk.
    await run.esp.flush(ENTRIES_FOLDER);
    await resume(journal, run);
  }
  const stopped = plan.steps[step]?.step ?? 'end';
  const detail = `${plan.summary}: interrupted at ${stopped}, ${outcome} the next time`;
  const record: ActionRecord = {
    kind: plan.kind,
    at: journal.startedAt,
    took: 0,
    result: committed ? 'done' : 'interrupted',
    detail,
  };
  await finish(run, record);
  return { kind: plan.kind, outcome, detail };
}

/** A journal that is not understood names no step that could be done: what boots is what the loader has. */
async function readJournal({ host }: Run): Promise<Journal | undefined> {
  try {
    return await loadJournal(host.files);
  } catch (error) {
    if (!(error instanceof CairnError) || error.code !== 'bad-state') throw error;
    if ((await host.files.stat(JOURNAL_FILE)) !== undefined) await removeJournal(host.files);
    return undefined;
  }
}

/** Whether the loader has the entry, whatever it has counted meanwhile. A plan without a commit is always finished. */
async function isCommitted({ host, esp }: Run, commit: Step | undefined): Promise<boolean> {
  if (!isCommit(commit)) return true;
  // The old one was removed before.
  const files = await host.files.list(`${esp.path}/${ENTRIES_FOLDER}`);
  if (commit.step === 'commit-recovery') return files.includes(RECOVERY_FILE);
  for (const file of files) {
    const name = parseEntryName(file);
    if (name?.kind === 'slot' && name.generation === commit.generation) return true;
  }
  return false;
}
