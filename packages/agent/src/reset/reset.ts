import type { Host } from '@cairn/host';
import { AgentError } from '../error.ts';
import { requireOem, type SessionOptions, withNode } from '../node/session.ts';
import { chooseRecovery } from '../recovery/recovery.ts';
import { STATE_FOLDER } from '../state/store.ts';
import { checkKeep, encodeReset, RESET_FILE, type ResetRequest } from './request.ts';

export interface ResetOptions extends SessionOptions {
  readonly keep: readonly string[];
  readonly identity: boolean;
  readonly oem: boolean;
  /** Asked for on a system that is not the recovery one: the machine is rebooted at once. */
  readonly now: boolean;
  readonly dryRun?: boolean | undefined;
}

/**
 * Asks for a reset, which the next boot of the recovery release does: the request is on the disk before the loader is told.
 *
 * @throws AgentError `bad-request`, `unfit` outside of recovery without `now`, `no-fallback`, `no-efi`
 */
export async function requestReset(host: Host, options: ResetOptions): Promise<ResetRequest> {
  checkKeep(options.keep);
  const { keep, identity, oem, dryRun } = options;
  const at = new Date(host.clock.now()).toISOString();
  const request: ResetRequest = { formatVersion: 1, keep, identity, oem, at };
  await withNode(host, 'reset', options, async ({ survey }) => {
    requireOem(survey);
    if (survey.disk.booted !== 'cairn-recovery' && !options.now) {
      throw new AgentError('unfit', 'a reset is done in recovery, and this is not the recovery system', {
        hint: 'Add `--now`, and the machine reboots into recovery and resets itself.',
      });
    }
    await chooseRecovery(host, survey, async () => {
      if (dryRun !== true) {
        await host.files.makeDirectory(STATE_FOLDER, 0o700);
        await host.files.replace(`${STATE_FOLDER}/${RESET_FILE}`, encodeReset(request), 0o600);
      }
      return dryRun !== true;
    });
  });
  return request;
}
