import { withDenied, withoutDenied, withoutPending, withPending } from '../state/change.ts';
import { changeState } from '../state/store.ts';
import type { NodeState } from '../state/types.ts';
import type { Run } from './run.ts';
import type { RecordState } from './steps.ts';

export async function record(step: RecordState, { host }: Run): Promise<void> {
  await changeState(host.files, (state) => remembered(state, step));
}

/** May be done twice: it comes to the same. */
export function remembered(before: NodeState, { pending, denied, settled, proven }: RecordState): NodeState {
  let state = before;
  if (settled !== undefined && state.pending?.rootHash === settled) state = withoutPending(state);
  if (proven !== undefined) state = withoutDenied(state, proven);
  if (denied !== undefined) state = withDenied(state, denied);
  if (pending === undefined) return state;
  // A boot may have been noted since.
  const attempts = state.pending?.rootHash === pending.rootHash ? state.pending.attempts : pending.attempts;
  return withPending(state, { ...pending, attempts });
}
