import type { Files, Programs } from '@cairn/host';
import { AgentError } from '../error.ts';
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

export function bindMount(source: string, target: string): MountStep {
  return { source, target, type: 'none', options: ['bind'] };
}

export function fstab(mounts: readonly MountStep[]): string {
  return mounts
    .map(({ source, target, type, options }) => `${source} ${target} ${type} ${options.join(',')} 0 0\n`)
    .join('');
}

/** Mounts all, in order, by one run of mount(8): starting a program is what takes the time in an initrd. */
export async function mountAll(
  doors: { readonly files: Files; readonly programs: Programs },
  name: string,
  mounts: readonly MountStep[],
): Promise<void> {
  const table = `${RUN}/fstab.${name}`;
  await doors.files.replace(table, fstab(mounts));
  const result = await doors.programs.run(['mount', '--all', '--fstab', table]);
  if (result.exitCode === 0) return;
  throw new AgentError('mount-failed', `mounting the ${name} paths failed: ${result.stderr.trim()}`);
}
