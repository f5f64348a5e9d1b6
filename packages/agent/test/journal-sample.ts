import type { Journal } from '../src/actions/journal.ts';
import { PENDING } from './state-sample.ts';

export const JOURNAL: Journal = {
  formatVersion: 1,
  startedAt: '2026-01-02T03:04:05.000Z',
  plan: {
    kind: 'rollback',
    summary: 'go back',
    steps: [
      { step: 'remove-entries', files: ['cairn-1.conf'] },
      {
        step: 'commit',
        id: PENDING.id,
        generation: 2,
        tries: { left: 3, done: 0 },
        rootHash: PENDING.rootHash,
        entry: 'title x\n',
      },
      { step: 'record', pending: PENDING },
    ],
  },
  step: 1,
};
