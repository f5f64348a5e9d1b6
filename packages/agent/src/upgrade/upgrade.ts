import type { Host } from '@cairn/host';
import { execute } from '../actions/execute.ts';
import type { Plan } from '../actions/steps.ts';
import { checkSameDisk } from '../node/disk.ts';
import { readDefaultRoutes } from '../node/routes.ts';
import { requireOem, type SessionOptions, withNode } from '../node/session.ts';
import { idleSlot, type Survey } from '../node/survey.ts';
import { loadCandidate, verifyCandidate } from './candidate.ts';
import { checkImage, planUpgrade, type UpgradeOptions } from './plan.ts';

/** Where the release comes from. */
export interface UpgradeSource extends AsyncDisposable {
  /** The digest of the image, where it is known before the release is. */
  readonly imageDigest?: string | undefined;
  /** The root was hashed as it was made, block by block: it need not be read once more before it is written. */
  readonly madeHere?: true;
  /** Makes the release be a folder. It lies there until the source is disposed of. */
  folder(): Promise<string>;
}

/** What of the node a release that is rendered on it takes over. */
export interface NodeFacts {
  /** The owner's kernel arguments of the release that runs. */
  readonly commandLine: readonly string[];
}

export interface UpgradeRequest extends UpgradeOptions, SessionOptions {
  readonly dryRun?: boolean | undefined;
}

export interface UpgradeResult {
  readonly plan: Plan;
  readonly done: boolean;
}

/**
 * Writes a release into the idle slot, verifies what was written, and makes it bootable: what runs now stays bootable all the
 * time. The release is booted by the next reboot, on trial.
 *
 * @param open called once the node is found fit, under its lock
 * @throws AgentError
 */
export async function upgrade(
  host: Host,
  open: (node: NodeFacts) => Promise<UpgradeSource>,
  request: UpgradeRequest,
): Promise<UpgradeResult> {
  return withNode(host, 'upgrade', request, async ({ run, survey }) => {
    const { files } = host;
    run.onProgress({ phase: 'check' });
    await checkSameDisk(files, survey.disk);
    requireOem(survey);
    // Nobody else has it: mounted, or part of another device.
    await (await files.open(idleSlot(survey).device, 'exclusive')).close();
    await using source = await open({ commandLine: ownArguments(survey) });
    if (source.imageDigest !== undefined) checkImage(survey, source.imageDigest, request);
    const candidate = await loadCandidate(files, await source.folder(), request.signal);
    const plan = planUpgrade(
      {
        survey,
        candidate,
        space: await files.space(run.esp.path),
        now: new Date(host.clock.now()).toISOString(),
        network: await readDefaultRoutes(files),
      },
      request,
    );
    if (request.dryRun === true) return { plan, done: false };
    // Before the slot is touched: it holds the release that could be gone back to.
    if (source.madeHere !== true) await verifyCandidate(files, candidate, run);
    await run.esp.allowWrites();
    await execute(plan, run);
    return { plan, done: true };
  });
}

/** What the owner gave by `--cmdline` comes last in a release's command line (docs/release-format.md, "The command line"). */
function ownArguments({ loader, running }: Survey): string[] {
  const [, own] = / panic=10 gpt (.+)$/.exec(loader.releases.get(running)?.commandLine ?? '') ?? [];
  return own === undefined ? [] : [own];
}

/** A release that is a folder already. */
export function folderSource(folder: string): UpgradeSource {
  return { folder: async () => folder, [Symbol.asyncDispose]: async () => {} };
}
