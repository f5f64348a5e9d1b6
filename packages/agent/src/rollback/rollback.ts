import type { Host } from '@cairn/host';
import { execute } from '../actions/execute.ts';
import type { Plan } from '../actions/steps.ts';
import { checkSameDisk } from '../node/disk.ts';
import { reboot } from '../node/reboot.ts';
import { requireOem, type SessionOptions, withNode } from '../node/session.ts';
import { planRollback } from './plan.ts';

export interface RollbackRequest extends SessionOptions {
  readonly dryRun?: boolean | undefined;
  /** Reboots when it is done. */
  readonly now?: boolean | undefined;
}

export async function rollback(host: Host, request: RollbackRequest): Promise<{ plan: Plan; done: boolean }> {
  const result = await withNode(host, 'rollback', request, async ({ run, survey }) => {
    await checkSameDisk(host.files, survey.disk);
    requireOem(survey);
    const plan = planRollback(survey);
    if (request.dryRun === true) return { plan, done: false };
    await run.esp.allowWrites();
    await execute(plan, run);
    return { plan, done: true };
  });
  if (result.done && request.now === true) await reboot(host);
  return result;
}
