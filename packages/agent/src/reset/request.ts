import { AgentError } from '../error.ts';
import { WRITABLE_PATHS } from '../paths/map.ts';
import { text, texts } from '../state/fields.ts';
import { parseFields } from '../state/parse.ts';

/** What is to be made new: asked for on a running system, done by the next boot of recovery, before anything of it is mounted. */
export interface ResetRequest {
  readonly formatVersion: 1;
  /** Kept paths whose data stays. */
  readonly keep: readonly string[];
  /** The machine's id and its SSH host keys stay. */
  readonly identity: boolean;
  /** The configuration goes too. */
  readonly oem: boolean;
  /** ISO 8601 */
  readonly at: string;
}

/** In OEM's folder of state. */
export const RESET_FILE = 'reset.json';
export const RESET_LIMIT = 1 << 16;

/** Checks that paths are ones that are kept at all. Throws AgentError `bad-request`. */
export function checkKeep(keep: readonly string[]): void {
  const unknown = keep.find(
    (path) => !WRITABLE_PATHS.some((each) => each.path === path && each.kind.startsWith('kept')),
  );
  if (unknown === undefined) return;
  throw new AgentError('bad-request', `${unknown} is none of the paths that are kept as a whole`, {
    hint: '`cairn paths` lists them.',
  });
}

export function encodeReset(request: ResetRequest): string {
  return `${JSON.stringify(request, undefined, 2)}\n`;
}

/** Throws AgentError `bad-state`, `bad-request`. */
export function parseReset(bytes: Uint8Array): ResetRequest {
  const fields = parseFields(bytes);
  if (fields['formatVersion'] !== 1) throw new AgentError('bad-state', 'its formatVersion is not 1');
  const keep = texts(fields, 'keep');
  checkKeep(keep);
  return {
    formatVersion: 1,
    keep,
    identity: fields['identity'] === true,
    oem: fields['oem'] === true,
    at: text(fields, 'at'),
  };
}
