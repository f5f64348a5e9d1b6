import type { Host } from '@cairn/host';
import { execute } from '../actions/execute.ts';
import type { Plan } from '../actions/steps.ts';
import { encodeText, KEPT, LOADER_VENDOR, openEfi, writeVariable } from '../efi/variable.ts';
import { AgentError } from '../error.ts';
import { RECOVERY_FILE } from '../loader/name.ts';
import { checkSameDisk } from '../node/disk.ts';
import { requireOem, type SessionOptions, withNode } from '../node/session.ts';
import { idOf, type Survey } from '../node/survey.ts';
import { planRecovery } from './plan.ts';

export interface RecoveryRequest extends SessionOptions {
  readonly dryRun?: boolean | undefined;
}

/** Makes the running release the recovery release too. `plan` is undefined where it is already. Throws AgentError. */
export async function refreshRecovery(
  host: Host,
  request: RecoveryRequest = {},
): Promise<{ readonly plan: Plan | undefined; readonly done: boolean }> {
  return withNode(host, 'upgrade', request, async ({ run, survey }) => {
    await checkSameDisk(host.files, survey.disk);
    requireOem(survey);
    const plan = planRecovery(survey);
    if (plan === undefined || request.dryRun === true) return { plan, done: false };
    await run.esp.allowWrites();
    await execute(plan, run);
    return { plan, done: true };
  });
}

/**
 * Makes the next boot, and only that, one of the recovery release.
 *
 * @throws AgentError `no-fallback` where there is none that could be booted, `no-efi`, `failed`
 */
export async function bootIntoRecovery(host: Host, options: SessionOptions = {}): Promise<void> {
  await withNode(host, 'boot-into', options, async ({ survey }) => {
    await chooseRecovery(host, survey, async () => true);
  });
}

/** Tells the loader, once all that has to be there is, and `before` has been done and says so. */
export async function chooseRecovery(
  host: Host,
  survey: Survey,
  before: () => Promise<boolean>,
): Promise<void> {
  requireRecovery(survey);
  await openEfi(host);
  if (!(await before())) return;
  await writeVariable(host, 'LoaderEntryOneShot', LOADER_VENDOR, {
    attributes: KEPT,
    // The loader's id of an entry is its file's name.
    data: encodeText(RECOVERY_FILE),
  });
}

function requireRecovery({ loader, slots }: Survey): void {
  const entry = loader.entries.find(({ name }) => name.kind === 'recovery');
  const slot = slots.find(({ label }) => label === 'cairn-recovery');
  const isWhole =
    entry?.file === RECOVERY_FILE &&
    entry.id !== undefined &&
    loader.ukis.has(entry.id) &&
    slot?.rootHash !== undefined &&
    idOf(slot.rootHash) === entry.id;
  if (isWhole) return;
  throw new AgentError('no-fallback', 'there is no recovery release that could be booted', {
    hint: 'Make what runs the recovery release, once it is good: `cairn upgrade --recovery`.',
  });
}
