import { deriveUuid, type Partition } from '@cairn/disk';
import { architectureNamed } from '@cairn/release';
import type { DiskFacts } from './disks.ts';
import { type PartitionWishes, planInstall } from './layout.ts';
import type { InstallSource } from './source.ts';
import type { InstallPlan, Place } from './steps.ts';

export interface InstallFacts {
  readonly disk: DiskFacts;
  readonly source: Pick<InstallSource, 'release' | 'esp' | 'name'>;
  readonly wishes: PartitionWishes;
  readonly config: boolean;
  /** What all ids of the disk are derived from: random. */
  readonly seed: string;
  /** Ids of the partitions that are on the disk now. */
  readonly gone: readonly string[];
}

/** What the firmware's menu calls it. */
const OPTION_NAME = 'Cairn';

/**
 * Settles an installation. The table of partitions comes last, when all that it leads to has been read back: until then
 * neither firmware nor kernel find anything on the disk, however far it was; and one that was interrupted is begun again.
 *
 * @throws AgentError `disk-too-small`, `bad-request`
 */
export function planInstallation(facts: InstallFacts): InstallPlan {
  const { disk, source, wishes, config, seed, gone } = facts;
  const { release } = source;
  const { root } = release;
  const made = planInstall({ disk, release, seed, wishes });
  const esp = placeOf(made.esp);
  const roots = [placeOf(made.slotA), placeOf(made.recovery)];
  const fileSystems = [made.oem, ...made.extra, made.persistent];
  const volumeId = Number.parseInt(deriveUuid(seed, 'esp-volume').slice(0, 8), 16);
  return {
    kind: 'install',
    summary: `install ${release.name} ${release.version} from ${source.name} on ${disk.device}`,
    device: disk.device,
    lost: disk.content,
    steps: [
      { step: 'wipe-disk', places: made.layout.partitions.map(placeOf) },
      {
        step: 'write-esp',
        place: esp,
        volumeId,
        files: source.esp.map(({ path, content }) => ({ path, size: content.size })),
      },
      ...roots.map((place) => ({ step: 'write-root' as const, place, root })),
      ...fileSystems.map((partition) => ({
        step: 'make-file-system' as const,
        place: placeOf(partition),
        uuid: deriveUuid(seed, `${partition.label}-file-system`),
        config: config && partition === made.oem,
      })),
      { step: 'verify-esp', place: esp, volumeId },
      ...roots.map((place) => ({ step: 'verify-root' as const, place, root })),
      { step: 'write-table', layout: made.layout },
      { step: 'check-file-systems', labels: fileSystems.map(({ label }) => label), config },
      {
        step: 'add-boot-option',
        option: {
          active: true,
          description: OPTION_NAME,
          partition: {
            number: 1,
            start: made.esp.start / disk.sectorSize,
            size: made.esp.size / disk.sectorSize,
            uuid: made.esp.uuid,
          },
          file: `/${architectureNamed(release.architecture).loader}`,
        },
        gone,
      },
    ],
  };
}

function placeOf({ label, start, size }: Partition): Place {
  return { label, start, size };
}
