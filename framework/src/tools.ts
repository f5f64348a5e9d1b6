import { readAll } from '@cairn/bytes';
import { type Directory, lookup, makeFile, place } from '@cairn/tree';
import { BUILD_TIME } from './debian.ts';
import { FrameworkError } from './error.ts';
import { Picker } from './pick.ts';

/** What the agent calls on a running node and an image need not have: to make file systems, to have a table read again, and to change EFI variables. */
const TOOLS = ['/usr/sbin/mke2fs', '/usr/sbin/blockdev', '/usr/bin/chattr'] as const;

const LIMIT = 4 << 20;

/**
 * Adds the agent's tools, which run with its own C library as Node does, to a layer.
 *
 * @param runtime the layer's part that has the C library: what is in it is not added again
 */
export async function addTools(layer: Directory, packages: Directory, runtime: Directory): Promise<void> {
  const attributes = { mode: 0o755, mtime: { seconds: BUILD_TIME, nanoseconds: 0 } };
  const picker = new Picker(packages);
  for (const path of TOOLS) {
    await picker.take(path);
    const found = lookup(packages, path)?.inode;
    if (found?.kind !== 'file')
      throw new FrameworkError('missing-file', `${path} is in none of the packages`);
    const name = path.slice(path.lastIndexOf('/') + 1);
    place(layer, `/usr/lib/cairn/tools/${name}`, makeFile(await readAll(found.content, LIMIT), attributes));
  }
  for (const [name, library] of picker.libraries) {
    const path = `/usr/lib/cairn/lib/${name}`;
    if (lookup(runtime, path) !== undefined) continue;
    place(layer, path, makeFile(await readAll(library.content, LIMIT), attributes));
  }
}
