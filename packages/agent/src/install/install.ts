import { randomUUID } from 'node:crypto';
import type { Host } from '@cairn/host';
import type { ActionProgress } from '../actions/run.ts';
import { tableOrNothing } from '../node/disk.ts';
import { takeLock } from '../node/lock.ts';
import { chooseDisk } from './choose.ts';
import { type InstallConfig, parseInstallConfig } from './config.ts';
import { executeInstallation } from './execute.ts';
import { minimalDiskSize } from './layout.ts';
import { planInstallation } from './plan.ts';
import { openSource } from './source.ts';
import type { InstallPlan } from './steps.ts';

const MEDIUM_CONFIG = 'the medium’s configuration';

export interface InstallOptions {
  /** As in `ChooseOptions`; the configuration's, or `auto`, unless given. */
  readonly device?: string | undefined;
  /** In place of the one on the live medium. */
  readonly config?: Uint8Array | undefined;
  /** Where it was found, for messages. */
  readonly configName?: string | undefined;
  /** The folder of a release, in place of the one on the live medium. */
  readonly source?: string | undefined;
  /** Installs only if the configuration has `install.auto`. */
  readonly onlyIfAuto?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Asked before anything is written: false calls it off. */
  readonly confirm?: ((plan: InstallPlan) => Promise<boolean>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ActionProgress) => void) | undefined;
  readonly onWarning?: ((sentence: string) => void) | undefined;
}

export interface InstallResult {
  /** Undefined where the configuration does not ask for an installation. */
  readonly plan: InstallPlan | undefined;
  readonly done: boolean;
  /** What the configuration wants to be done then. */
  readonly afterwards: InstallConfig['afterwards'];
}

/** Puts a release on a disk, all of which is lost. @throws AgentError, ReleaseError, HostError */
export async function install(host: Host, options: InstallOptions): Promise<InstallResult> {
  const { files } = host;
  const { signal, onProgress = () => {}, onWarning = () => {} } = options;
  await using _lock = await takeLock(host, 'install');
  onProgress({ phase: 'check' });
  await using source = await openSource(files, options.source, signal);
  const config = options.config ?? source.config;
  const settings = parseInstallConfig(config ?? new Uint8Array(), options.configName ?? MEDIUM_CONFIG);
  const { afterwards } = settings;
  if (options.onlyIfAuto === true && !settings.auto) return { plan: undefined, done: false, afterwards };
  for (const warning of settings.warnings) onWarning(warning);
  const minimalSize = minimalDiskSize(source.release.slotSize, settings.wishes);
  const device = options.device ?? settings.device ?? 'auto';
  const disk = await chooseDisk(host, { device, minimalSize, signal });
  const plan = planInstallation({
    disk,
    source,
    wishes: settings.wishes,
    config: config !== undefined,
    seed: randomUUID(),
    gone: (await tableOrNothing(files, disk.name)).map(({ uuid }) => uuid),
  });
  if (options.dryRun === true) return { plan, done: false, afterwards };
  if (options.confirm !== undefined && !(await options.confirm(plan)))
    return { plan, done: false, afterwards };
  await executeInstallation(plan, {
    host,
    device: disk.device,
    source,
    config,
    signal,
    onProgress,
    onWarning,
    verified: { esp: false, slots: new Map() },
  });
  return { plan, done: true, afterwards };
}
