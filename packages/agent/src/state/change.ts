import {
  ACTIONS_KEPT,
  type ActionRecord,
  type Attempt,
  type Denied,
  type NodeState,
  type Pending,
} from './types.ts';

export function withAction(state: NodeState, action: ActionRecord): NodeState {
  return { ...state, actions: [...state.actions, action].slice(-ACTIONS_KEPT) };
}

export function withPending(state: NodeState, pending: Pending): NodeState {
  return { ...state, pending };
}

export function withoutPending({ denied, actions }: NodeState): NodeState {
  return { denied, actions };
}

/** Notes a boot of the pending release; one of the same boot is put in place of the earlier note. */
export function withAttempt(state: NodeState, attempt: Attempt): NodeState {
  const { pending } = state;
  if (pending === undefined) return state;
  const others = pending.attempts.filter(({ bootId }) => bootId !== attempt.bootId);
  return { ...state, pending: { ...pending, attempts: [...others, attempt] } };
}

/** Puts a release on the deny list; it is pending no more. */
export function withDenied(state: NodeState, denied: Denied): NodeState {
  const { pending, ...rest } = state;
  return {
    ...rest,
    ...(pending === undefined || pending.rootHash === denied.rootHash ? {} : { pending }),
    denied: [...state.denied.filter(({ rootHash }) => rootHash !== denied.rootHash), denied],
  };
}

/** A release that was installed all the same, and proved good. */
export function withoutDenied(state: NodeState, rootHash: string): NodeState {
  return { ...state, denied: state.denied.filter((each) => each.rootHash !== rootHash) };
}
