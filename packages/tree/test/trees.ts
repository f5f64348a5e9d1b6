import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '../src/index.ts';

/** A tree from its paths: `a -> b` is a link, `a/` a directory, everything else a file that holds its own path. */
export function treeOf(...paths: readonly string[]): Directory {
  const root = makeDirectory();
  for (const line of paths) {
    const [path = '', target] = line.split(' -> ');
    if (target !== undefined) place(root, path, makeSymlink(target));
    else if (path.endsWith('/')) place(root, path, makeDirectory());
    else place(root, path, makeFile(path));
  }
  return root;
}
