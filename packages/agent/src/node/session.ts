import type { Host } from '@cairn/host';
import { type Recovery, recover } from '../actions/recover.ts';
import type { ActionProgress, Run } from '../actions/run.ts';
import { AgentError } from '../error.ts';
import { findNodeDisk, partitionOf } from './disk.ts';
import { mountEsp } from './esp.ts';
import { takeLock } from './lock.ts';
import { type Survey, surveyNode } from './survey.ts';

export interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ActionProgress) => void) | undefined;
}

/** The node, locked, with its ESP mounted; nothing is written yet. */
export interface NodeSession {
  readonly run: Run;
  readonly survey: Survey;
  /** What came of an action that was interrupted before. */
  readonly recovered: Recovery | undefined;
}

/**
 * Runs an action that may change the node. Lock and mount are given back, however it ends.
 *
 * @param action as it is told to others that come meanwhile: `upgrade`
 * @throws AgentError `locked`, `not-a-node`, `unfit`, `ambiguous`, `failed`
 */
export async function withNode<T>(
  host: Host,
  action: string,
  options: SessionOptions,
  work: (session: NodeSession) => Promise<T>,
): Promise<T> {
  const disk = await findNodeDisk(host.files);
  const device = partitionOf(disk, 'ESP').device;
  await using _lock = await takeLock(host, action);
  await using esp = await mountEsp(host, device);
  const { signal, onProgress = () => {} } = options;
  const run: Run = { host, esp, signal, onProgress, found: {} };
  const recovered = await recover(run);
  return await work({ run, recovered, survey: await surveyNode(host, esp.path) });
}

/** State and journal have to be kept where the next boot finds them. */
export function requireOem({ disk }: Survey): void {
  if (disk.partitions.some(({ label }) => label === 'COS_OEM')) return;
  throw new AgentError(
    'unfit',
    `${disk.device} has no partition COS_OEM: nothing can be remembered over a reboot`,
    {
      hint: 'The first boot makes it, where the disk is large enough.',
    },
  );
}
