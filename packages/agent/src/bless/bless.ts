import type { Host } from '@cairn/host';
import { execute } from '../actions/execute.ts';
import type { Recovery } from '../actions/recover.ts';
import type { Plan } from '../actions/steps.ts';
import { TRIAL } from '../boot/places.ts';
import { type SessionOptions, withNode } from '../node/session.ts';
import { surveyNode } from '../node/survey.ts';
import { renewLoader } from './boot-loader.ts';
import { planAcquit, planBless, planDeny } from './decide.ts';
import { explain } from './evidence.ts';
import { forgetPanics } from './pstore.ts';

/**
 * Says that what runs is good: from now on its boots are not counted. Does nothing, and says so, where it is good already.
 *
 * @returns what was done; undefined where there was nothing to do
 */
export async function bless(host: Host, options: SessionOptions = {}): Promise<Plan | undefined> {
  return withNode(host, 'bless', options, async ({ run, survey }) => {
    const plan = planBless(survey);
    if (plan !== undefined) {
      await run.esp.allowWrites();
      await execute(plan, run);
      await renewLoader(run, survey);
    }
    // The trial is over, whoever ended it.
    await host.files.remove(TRIAL);
    return plan;
  });
}

/** What each boot has to look after before anything else is done to the node. */
export interface Settled {
  /** An action that was interrupted. */
  readonly recovered: Recovery | undefined;
  /** What was found to have failed, and was put on the deny list. */
  readonly denied: readonly Plan[];
  /** What runs was doubted, and is not any more. */
  readonly acquitted: Plan | undefined;
}

/** Ends what was interrupted, and takes note of releases that have failed. May be called at any time. */
export async function settle(host: Host, options: SessionOptions = {}): Promise<Settled> {
  return withNode(host, 'settle', options, async ({ run, survey, recovered }) => {
    const denied: Plan[] = [];
    let current = survey;
    // Each plan takes one release away, and there are few.
    for (let round = 0; round < 8; round++) {
      const now = new Date(host.clock.now()).toISOString();
      if (planDeny(current, now) === undefined) break;
      const { pending } = current.state.state;
      const plan = planDeny(current, now, pending && (await explain(host, pending)));
      if (plan === undefined) break;
      await run.esp.allowWrites();
      await execute(plan, run);
      denied.push(plan);
      current = await surveyNode(host, run.esp.path);
    }
    const acquitted = planAcquit(current);
    if (acquitted !== undefined) {
      await run.esp.allowWrites();
      await execute(acquitted, run);
      await forgetPanics(host);
    }
    return { recovered, denied, acquitted };
  });
}
