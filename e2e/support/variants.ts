import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Host, runChecked } from '@cairn/host';

/** A file of a variant: what is in it, and whether it can be executed. `linkTo` makes it a symbolic link. */
export interface VariantFile {
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly linkTo?: string;
}

/**
 * A tar file like another one, with files more or in place of those it has: what one more layer of an image would do.
 *
 * @param files by absolute path
 */
export async function varyTar(
  host: Host,
  base: string,
  files: Readonly<Record<string, VariantFile>>,
  out: string,
): Promise<void> {
  const folder = await mkdtemp(`${out}.files-`);
  try {
    for (const [path, { content = '', mode = 0o644, linkTo }] of Object.entries(files)) {
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      if (linkTo === undefined) await writeFile(target, content, { mode });
      else await host.files.symlink(linkTo, target);
    }
    await runChecked(host.programs, ['cp', '--sparse=always', base, out]);
    const names = Object.keys(files).map((path) => `.${path}`);
    const owner = ['--owner=0', '--group=0', '--mtime=@0'];
    await runChecked(host.programs, ['tar', '--append', ...owner, '-f', out, '-C', folder, ...names]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
