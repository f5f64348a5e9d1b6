import { CairnError } from '@cairn/bytes';
import type { EarlyFiles } from '@cairn/host';
import { STATE_FILES, STATE_FOLDER } from './names.ts';
import { encodeState, parseState, STATE_LIMIT, type StateCopy } from './parse.ts';
import { EMPTY_STATE, type NodeState } from './types.ts';

export { STATE_FILES, STATE_FOLDER };

/** The state with what is known of its copies. */
export interface LoadedState {
  readonly state: NodeState;
  /** Of the copy that counts; 0 where there is none yet. */
  readonly sequence: number;
  /** Which copy is written next: never the one that counts. */
  readonly next: (typeof STATE_FILES)[number];
  /** Sentences: copies that are there and cannot be used. */
  readonly problems: readonly string[];
}

/** Which of the copies counts, and which is to be written next. */
export function chooseCopy(copies: readonly (StateCopy | undefined)[]): Omit<LoadedState, 'problems'> {
  const [first, second] = copies;
  const newer =
    second !== undefined && (first === undefined || second.sequence > first.sequence) ? second : first;
  return {
    state: newer?.state ?? EMPTY_STATE,
    sequence: newer?.sequence ?? 0,
    next: newer !== undefined && newer === first ? STATE_FILES[1] : STATE_FILES[0],
  };
}

/** A copy that cannot be read is told of, and the other one counts. Never throws for what is on the disk. */
export async function loadState(files: EarlyFiles, folder = STATE_FOLDER): Promise<LoadedState> {
  const problems: string[] = [];
  const copies: (StateCopy | undefined)[] = [];
  for (const file of STATE_FILES) {
    let copy: StateCopy | undefined;
    try {
      const bytes = await files.read(`${folder}/${file}`, STATE_LIMIT);
      copy = bytes && parseState(bytes);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      problems.push(`${folder}/${file} cannot be used: ${error.message}`);
    }
    copies.push(copy);
  }
  return { ...chooseCopy(copies), problems };
}

/**
 * Changes the state: reads it, and writes the result in place of the older copy, so that at each instant one copy is whole.
 *
 * @throws HostError
 */
export async function changeState(
  files: EarlyFiles,
  change: (state: NodeState) => NodeState,
  folder = STATE_FOLDER,
): Promise<NodeState> {
  const { state, sequence, next } = await loadState(files, folder);
  const changed = change(state);
  await files.makeDirectory(folder, 0o700);
  await files.replace(`${folder}/${next}`, encodeState({ sequence: sequence + 1, state: changed }), 0o600);
  return changed;
}
