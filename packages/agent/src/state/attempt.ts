import type { EarlyHost } from '@cairn/host';
import { withAttempt } from './change.ts';
import { STATE_FOLDER } from './names.ts';
import { changeState } from './store.ts';
import type { Attempt } from './types.ts';

/**
 * Notes how far this boot of the pending release has come. Does nothing where none is pending.
 *
 * @throws HostError
 */
export async function addAttempt(
  { files, clock }: Pick<EarlyHost, 'files' | 'clock'>,
  { reached, failure }: Pick<Attempt, 'reached' | 'failure'>,
  folder = STATE_FOLDER,
): Promise<void> {
  const bootId = ((await files.readText('/proc/sys/kernel/random/boot_id')) ?? '').trim();
  const at = new Date(clock.now()).toISOString();
  const attempt: Attempt = { bootId, at, reached, ...(failure === undefined ? {} : { failure }) };
  await changeState(files, (state) => withAttempt(state, attempt), folder);
}
