import { sha256Hex } from '@cairn/bytes';
import { AgentError } from '../error.ts';
import { each, type Fields, fieldsOf, number, oneOf, optional, text, texts } from './fields.ts';
import {
  ACTIONS_KEPT,
  type ActionRecord,
  ATTEMPTS_KEPT,
  type Attempt,
  DENIED_KEPT,
  type Denied,
  type NodeState,
  type Pending,
} from './types.ts';

/** One of the two copies. The higher sequence is the newer one. */
export interface StateCopy {
  readonly sequence: number;
  readonly state: NodeState;
}

/** A state with a full deny list and logs has some 200 KB. */
export const STATE_LIMIT = 4 << 20;

/** A copy as it is written: JSON with the SHA-256 of all else in it. */
export function encodeState({ sequence, state }: StateCopy): Uint8Array {
  const rest = { formatVersion: 1, sequence, ...canonical(state) };
  const whole = { ...rest, checksum: sha256Hex(JSON.stringify(rest)) };
  return new TextEncoder().encode(`${JSON.stringify(whole, undefined, 2)}\n`);
}

/**
 * Parses a copy.
 *
 * @throws AgentError `bad-state` for one that is torn, changed, or of another version
 */
export function parseState(bytes: Uint8Array): StateCopy {
  if (bytes.length > STATE_LIMIT) throw new AgentError('bad-state', `it has ${bytes.length} bytes`);
  const fields = parseFields(bytes);
  if (fields['formatVersion'] !== 1) throw new AgentError('bad-state', 'its formatVersion is not 1');
  const sequence = number(fields, 'sequence');
  const pending = optional(fields, 'pending', pendingOf);
  const state = canonical({
    ...(pending === undefined ? {} : { pending }),
    denied: each(fields, 'denied', deniedOf),
    actions: each(fields, 'actions', actionOf),
  });
  const { checksum, ...rest } = fields;
  if (checksum !== sha256Hex(JSON.stringify(rest))) {
    throw new AgentError('bad-state', 'its checksum is of something else');
  }
  return { sequence, state };
}

/** JSON that has to be an object. */
export function parseFields(bytes: Uint8Array): Fields {
  try {
    return fieldsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), 'it');
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('bad-state', 'it is not JSON', { cause });
  }
}

/** Always the same fields in the same order, and no more of each list than is kept. */
function canonical({ pending, denied, actions }: NodeState): NodeState {
  return {
    ...(pending === undefined
      ? {}
      : { pending: { ...pending, attempts: pending.attempts.slice(-ATTEMPTS_KEPT) } }),
    denied: denied.slice(-DENIED_KEPT),
    actions: actions.slice(-ACTIONS_KEPT),
  };
}

function pendingOf(fields: Fields): Pending {
  const network = optional(fields, 'network', (inner) => ({
    ipv4: texts(inner, 'ipv4'),
    ipv6: texts(inner, 'ipv6'),
  }));
  return {
    id: text(fields, 'id'),
    rootHash: text(fields, 'rootHash'),
    generation: number(fields, 'generation'),
    slot: text(fields, 'slot'),
    name: text(fields, 'name'),
    version: text(fields, 'version'),
    digest: text(fields, 'digest'),
    since: text(fields, 'since'),
    ...(network === undefined ? {} : { network }),
    attempts: each(fields, 'attempts', attemptOf),
  };
}

function attemptOf(fields: Fields): Attempt {
  const failure = optional(fields, 'failure', (inner) => ({
    reason: text(inner, 'reason'),
    log: texts(inner, 'log'),
  }));
  return {
    bootId: text(fields, 'bootId'),
    at: text(fields, 'at'),
    reached: oneOf(fields, 'reached', ['initrd', 'userland', 'health']),
    ...(failure === undefined ? {} : { failure }),
  };
}

function deniedOf(fields: Fields): Denied {
  return {
    rootHash: text(fields, 'rootHash'),
    imageDigest: text(fields, 'imageDigest'),
    name: text(fields, 'name'),
    version: text(fields, 'version'),
    reason: text(fields, 'reason'),
    log: texts(fields, 'log'),
    at: text(fields, 'at'),
  };
}

function actionOf(fields: Fields): ActionRecord {
  return {
    kind: text(fields, 'kind'),
    at: text(fields, 'at'),
    took: number(fields, 'took'),
    result: oneOf(fields, 'result', ['done', 'failed', 'interrupted']),
    detail: text(fields, 'detail'),
  };
}
