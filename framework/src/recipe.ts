import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromText } from '@cairn/bytes';
import type { Files } from '@cairn/host';
import { type Directory, makeDirectory, makeFile, makeSymlink } from '@cairn/tree';
import { BUILD_TIME } from './debian.ts';
import { FrameworkError } from './error.ts';

/** Where the files lie that go into the initrd and the layer as they are. */
export const RECIPE_FOLDER = fileURLToPath(new URL('../recipe/', import.meta.url));

/**
 * A folder of the recipe as a tree of root's files. Of the modes only "executable" counts: the rest depends on
 * the umask of whoever checked the repository out.
 */
export async function loadRecipe(files: Files, folder: string): Promise<Directory> {
  const attributes = { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } };
  const tree = makeDirectory(attributes);
  for (const name of await files.list(folder)) {
    const path = join(folder, name);
    const status = await files.lstat(path);
    if (status?.kind === 'directory') {
      tree.entries.set(fromText(name), await loadRecipe(files, path));
    } else if (status?.kind === 'symlink') {
      tree.entries.set(fromText(name), makeSymlink(fromText((await files.readLink(path)) ?? ''), attributes));
    } else {
      const content = await files.read(path);
      if (content === undefined || status === undefined) {
        throw new FrameworkError('missing-file', `${path} went away while it was read`);
      }
      tree.entries.set(
        fromText(name),
        makeFile(content, { ...attributes, mode: status.mode & 0o100 ? 0o755 : 0o644 }),
      );
    }
  }
  return tree;
}
