import type { EarlyFiles } from '@cairn/host';
import { JOURNAL_NAME, STATE_FILES } from '../state/names.ts';

/** As much of the node's state as each boot wants to know. */
export interface Glimpse {
  /** The root hash of a release that has not proven itself. */
  readonly pending: string | undefined;
  /** What runs is what was fallen back to: the last thing that became of a release is that it failed. */
  readonly fellBack: boolean;
  /** An action was interrupted. */
  readonly unfinished: boolean;
  /** The release that it was about, if it was to be pending. */
  readonly unfinishedRelease: string | undefined;
}

const LIMIT = 4 << 20;
/** Of the actions those that change which release is to run. */
const KINDS = new Set(['upgrade', 'rollback', 'bless', 'deny']);

/**
 * Looks at the state without proving its checksum, which each boot would wait for. What would be changed for it is read again, with the checksum. Whatever is not understood is as if it were not there.
 *
 * @param folder where the state is
 */
export async function peekState(files: EarlyFiles, folder: string): Promise<Glimpse> {
  const copies = await Promise.all(STATE_FILES.map((name) => readJson(files, `${folder}/${name}`)));
  const newest = copies.reduce(
    (best, copy) => (sequenceOf(copy) > sequenceOf(best) ? copy : best),
    undefined,
  );
  const journal = await readJson(files, `${folder}/${JOURNAL_NAME}`);
  const steps = listIn(field(field(journal, 'plan'), 'steps'));
  return {
    pending: textIn(field(field(newest, 'pending'), 'rootHash')),
    fellBack: hasFallenBack(newest),
    unfinished: (await files.stat(`${folder}/${JOURNAL_NAME}`).catch(() => undefined)) !== undefined,
    unfinishedRelease: steps
      .map((step) => textIn(field(field(step, 'pending'), 'rootHash')))
      .findLast((hash) => hash !== undefined),
  };
}

function hasFallenBack(state: unknown): boolean {
  const last = listIn(field(state, 'actions')).findLast((action) => {
    const kind = textIn(field(action, 'kind'));
    return kind !== undefined && KINDS.has(kind) && field(action, 'result') === 'done';
  });
  return field(last, 'kind') === 'deny';
}

async function readJson(files: EarlyFiles, path: string): Promise<unknown> {
  const text = await files.readText(path, LIMIT).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sequenceOf(copy: unknown): number {
  const sequence = field(copy, 'sequence');
  return typeof sequence === 'number' ? sequence : -1;
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
