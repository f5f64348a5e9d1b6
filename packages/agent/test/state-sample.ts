import type { Attempt, Denied, Pending } from '../src/state/types.ts';

export const ATTEMPT: Attempt = {
  bootId: '7f3c9f0e-6f0a-4a51-9a2a-5a2c1b1d0e4f',
  at: '2026-01-02T03:04:05.000Z',
  reached: 'userland',
  failure: { reason: 'the unit ssh.service failed', log: ['ssh.service: Main process exited', 'Failed'] },
};

export const PENDING: Pending = {
  id: 'cd'.repeat(16),
  rootHash: 'cd'.repeat(32),
  generation: 2,
  slot: 'cairn-b',
  name: 'Debian GNU/Linux',
  version: '13.2',
  digest: `sha256:${'1'.repeat(64)}`,
  since: '2026-01-02T03:00:00.000Z',
  attempts: [ATTEMPT],
};

export const DENIED: Denied = {
  rootHash: 'ef'.repeat(32),
  imageDigest: `sha256:${'2'.repeat(64)}`,
  name: 'Debian GNU/Linux',
  version: '13.1',
  reason: 'the kernel panicked',
  log: ['Kernel panic - not syncing'],
  at: '2026-01-01T00:00:00.000Z',
};
