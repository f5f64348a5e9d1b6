import { CairnError } from '@cairn/bytes';
import { withAction } from '../state/change.ts';
import { changeState } from '../state/store.ts';
import type { ActionRecord } from '../state/types.ts';
import { replaceLoader } from './boot-loader.ts';
import { commit, commitRecovery, promote, removeEntries } from './entries.ts';
import { type Journal, removeJournal, saveJournal } from './journal.ts';
import { record } from './record.ts';
import type { Run } from './run.ts';
import { invalidateSlot, verifySlot, writeSlot } from './slot.ts';
import type { Commit, CommitRecovery, Plan, Step } from './steps.ts';
import { removeFiles, verifyUki, writeUki } from './uki.ts';

type StepOf<Name extends Step['step']> = Extract<Step, { readonly step: Name }>;

const EXECUTORS: { readonly [Name in Step['step']]: (step: StepOf<Name>, run: Run) => Promise<void> } = {
  'remove-entries': removeEntries,
  'remove-files': removeFiles,
  'invalidate-slot': invalidateSlot,
  'write-slot': writeSlot,
  'verify-slot': verifySlot,
  'write-uki': writeUki,
  'verify-uki': verifyUki,
  commit: (step, run) => commit(step, run, run.found.slot, run.found.uki),
  'commit-recovery': (step, run) => commitRecovery(step, run, run.found.slot, run.found.uki),
  promote,
  'replace-loader': replaceLoader,
  record,
};

/** The steps that make a release bootable. */
export function isCommit(step: Step | undefined): step is Commit | CommitRecovery {
  return step?.step === 'commit' || step?.step === 'commit-recovery';
}

/** Which step of a plan makes it count; from there on it is finished, before that it is undone by leaving it. */
export function pointOfNoReturn({ kind, steps }: Plan): number {
  const index = steps.findIndex(isCommit);
  if (index >= 0) return index;
  // Each copy of the boot loader is whole at any time, and whoever is blessed next looks after them: nothing has to be finished. All
  // steps of the other plans can be done again.
  return kind === 'boot-loader' ? steps.length : 0;
}

/**
 * Carries out a plan. What is about to be done is in the journal before, so that whoever comes after a cut knows. A plan
 * that fails before its commit has changed nothing that boots; one that fails in it or after it stays in the journal, and
 * the next action, or the next boot, finishes it.
 */
export async function execute(plan: Plan, run: Run): Promise<void> {
  const { host } = run;
  const startedAt = new Date(host.clock.now()).toISOString();
  const began = host.clock.monotonic();
  const took = () => Math.round(host.clock.monotonic() - began);
  let step = 0;
  try {
    for (; step < plan.steps.length; step++) {
      await saveJournal(host.files, { formatVersion: 1, startedAt, plan, step });
      await perform(plan.steps[step], run);
      // After the commit there is nothing to be gained by stopping.
      if (step < pointOfNoReturn(plan)) run.signal?.throwIfAborted();
    }
  } catch (error) {
    const detail = `${plan.summary}: ${error instanceof Error ? error.message : String(error)}`;
    if (step < pointOfNoReturn(plan))
      await giveUp(run, { kind: plan.kind, at: startedAt, took: took(), result: 'failed', detail });
    throw error;
  }
  await finish(run, { kind: plan.kind, at: startedAt, took: took(), result: 'done', detail: plan.summary });
}

/** Goes on with a journal's action, from the step that had begun. */
export async function resume({ plan, step }: Journal, run: Run): Promise<void> {
  for (const each of plan.steps.slice(step)) {
    // The loader has the entry already.
    if (!isCommit(each)) await perform(each, run);
  }
}

export async function finish(run: Run, done: ActionRecord): Promise<void> {
  await changeState(run.host.files, (state) => withAction(state, done));
  await removeJournal(run.host.files);
}

/** The failure itself is what has to be told, not that it could not be noted. */
async function giveUp(run: Run, failure: ActionRecord): Promise<void> {
  try {
    await finish(run, failure);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
  }
}

async function perform(step: Step | undefined, run: Run): Promise<void> {
  if (step === undefined) return;
  // The table has for each name the function of that step's type; that the two belong together is not seen by the compiler.
  await EXECUTORS[step.step](step as never, run);
}
