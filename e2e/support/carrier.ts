import { join } from 'node:path';
import { type Host, runChecked } from '@cairn/host';
import { RELEASE_FILES } from '@cairn/release';

/** A disk with releases in folders, as a stick would bring them: raw, ext4. What is one file here is one file there. */
export async function carryReleases(
  host: Host,
  folder: string,
  releases: readonly string[],
): Promise<string> {
  const tree = join(folder, 'carried');
  for (const name of releases) {
    await host.files.makeDirectory(join(tree, name));
    for (const file of Object.values(RELEASE_FILES)) {
      await runChecked(host.programs, ['cp', '--link', join(folder, name, file), join(tree, name, file)]);
    }
  }
  const disk = join(folder, 'carrier.raw');
  await host.files.remove(disk);
  await runChecked(host.programs, ['truncate', `--size=${releases.length + 1}G`, disk]);
  await runChecked(host.programs, ['mkfs.ext4', '-q', '-d', tree, disk]);
  await host.files.remove(tree);
  return disk;
}
