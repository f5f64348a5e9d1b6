import { type EarlyFiles, type EarlyPrograms, parseMountInfo } from '@cairn/host';
import { RUN } from './places.ts';

/** One line of an fstab(5). No field has a blank. */
export interface MountStep {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

export function overlayMount(target: string, lower: string, upper: string, work: string): MountStep {
  return {
    source: 'overlay',
    target,
    type: 'overlay',
    // Without index and redirects a lower layer may change between mounts, as it does with each upgrade
    // (kernel documentation, overlayfs, "Changes to underlying filesystems").
    options: [
      `lowerdir=${lower}`,
      `upperdir=${upper}`,
      `workdir=${work}`,
      'index=off',
      'metacopy=off',
      'redirect_dir=off',
    ],
  };
}

/** The target is made if it is missing: it may lie in a folder that is writable only once a mount before is made. */
export function bindMount(source: string, target: string): MountStep {
  return { source, target, type: 'none', options: ['bind', 'X-mount.mkdir'] };
}

export function fstab(mounts: readonly MountStep[]): string {
  return mounts
    .map(({ source, target, type, options }) => `${source} ${target} ${type} ${options.join(',')} 0 0\n`)
    .join('');
}

/** What could not be mounted, and what mount(8) said of it. */
export interface MountFailure {
  readonly targets: readonly string[];
  readonly said: string;
}

/**
 * Mounts all, in order, by one run of mount(8): starting a program is what takes the time in an initrd. It goes
 * on after a failure; what is missing then is looked up.
 */
export async function mountAll(
  doors: { readonly files: EarlyFiles; readonly programs: EarlyPrograms },
  name: string,
  mounts: readonly MountStep[],
): Promise<MountFailure | undefined> {
  const table = `${RUN}/fstab.${name}`;
  await doors.files.write(table, fstab(mounts));
  const result = await doors.programs.run(['mount', '--all', '--fstab', table]);
  if (result.exitCode === 0) return undefined;
  const mounted = parseMountInfo((await doors.files.readText('/proc/self/mountinfo')) ?? '');
  const targets = new Set(mounted.map(({ target }) => target));
  return {
    targets: mounts.map(({ target }) => target).filter((target) => !targets.has(target)),
    said: result.stderr.trim(),
  };
}
