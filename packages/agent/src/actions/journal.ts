import type { Files } from '@cairn/host';
import { AgentError } from '../error.ts';
import { each, fieldsOf, number, oneOf, text } from '../state/fields.ts';
import { JOURNAL_NAME, STATE_FOLDER } from '../state/names.ts';
import { parseFields } from '../state/parse.ts';
import type { ActionKind, Plan, Step } from './steps.ts';

/** An action that runs, or was interrupted. */
export interface Journal {
  readonly formatVersion: 1;
  readonly startedAt: string;
  readonly plan: Plan;
  /** The index of the step that has begun; all before it are done. */
  readonly step: number;
}

export const JOURNAL_FILE = `${STATE_FOLDER}/${JOURNAL_NAME}`;
const JOURNAL_LIMIT = 1 << 20;

const KINDS: readonly ActionKind[] = ['upgrade', 'rollback', 'bless', 'deny', 'recovery', 'boot-loader'];
const STEPS: readonly Step['step'][] = [
  'remove-entries',
  'remove-files',
  'invalidate-slot',
  'write-slot',
  'verify-slot',
  'write-uki',
  'verify-uki',
  'commit',
  'commit-recovery',
  'promote',
  'replace-loader',
  'record',
];

/**
 * Parses a journal. Its steps are ours as we wrote them: that they are steps is checked, and what of them decides how an
 * interrupted action is ended.
 *
 * @throws AgentError `bad-state`
 */
export function parseJournal(bytes: Uint8Array): Journal {
  if (bytes.length > JOURNAL_LIMIT) throw new AgentError('bad-state', `it has ${bytes.length} bytes`);
  const fields = parseFields(bytes);
  if (fields['formatVersion'] !== 1) throw new AgentError('bad-state', 'its formatVersion is not 1');
  const plan = fieldsOf(fields['plan'], 'plan');
  const steps = each(plan, 'steps', (step) => {
    const kind = oneOf(step, 'step', STEPS);
    if (kind === 'commit') number(step, 'generation');
    return step as unknown as Step;
  });
  return {
    formatVersion: 1,
    startedAt: text(fields, 'startedAt'),
    plan: { kind: oneOf(plan, 'kind', KINDS), summary: text(plan, 'summary'), steps },
    step: number(fields, 'step'),
  };
}

export async function loadJournal(files: Files): Promise<Journal | undefined> {
  const bytes = await files.read(JOURNAL_FILE, JOURNAL_LIMIT);
  return bytes && parseJournal(bytes);
}

export async function saveJournal(files: Files, journal: Journal): Promise<void> {
  await files.makeDirectory(STATE_FOLDER, 0o700);
  await files.replace(JOURNAL_FILE, `${JSON.stringify(journal, undefined, 2)}\n`, 0o600);
}

export async function removeJournal(files: Files): Promise<void> {
  await files.remove(JOURNAL_FILE);
  await files.sync(STATE_FOLDER);
}
