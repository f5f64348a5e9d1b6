import { SweepError } from '../error.ts';

/** How a state is named, so that it can be made again: by a prefix of the log, or by a cut in an epoch. */
export type StateId =
  | {
      readonly kind: 'prefix' /** How many of the log's entries were carried out. */;
      readonly entries: number;
    }
  | { readonly kind: 'cut'; readonly epoch: number; readonly number: number; readonly seed: number };

/** As in `prefix-120` and `cut-14-7-1`: epoch 14, number 7, seed 1. */
export function formatStateId(id: StateId): string {
  return id.kind === 'prefix' ? `prefix-${id.entries}` : `cut-${id.epoch}-${id.number}-${id.seed}`;
}

/** @throws SweepError `bad-state` */
export function parseStateId(text: string): StateId {
  const prefix = /^prefix-([0-9]{1,15})$/.exec(text);
  if (prefix !== null) return { kind: 'prefix', entries: Number(prefix[1]) };
  const cut = /^cut-([0-9]{1,9})-([0-9]{1,9})-([0-9]{1,10})$/.exec(text);
  if (cut !== null) {
    return { kind: 'cut', epoch: Number(cut[1]), number: Number(cut[2]), seed: Number(cut[3]) };
  }
  throw new SweepError('bad-state', `"${text}" names no state`, {
    hint: 'States are named as the sweep prints them: `prefix-120`, `cut-14-7-1`.',
  });
}
