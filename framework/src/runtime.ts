import { join } from 'node:path';
import { memorySource, readAll } from '@cairn/bytes';
import { type Host, runChecked } from '@cairn/host';
import { type Directory, makeFile, place } from '@cairn/tree';
import { BUILD_TIME, cleanEnvironment } from './debian.ts';
import { parseElf } from './elf.ts';
import { FrameworkError } from './error.ts';
import { Picker } from './pick.ts';

/** The packages that bring the C library that Node runs with. */
export const RUNTIME_PACKAGES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'] as const;

const NODE_LIMIT = 256 << 20;

/**
 * Node and a C library of its own, so that the agent runs on any distribution, whatever libc that one has or
 * lacks. It is started as `lib/ld-linux-x86-64.so.2 --library-path lib bin/node`: nothing in the binary is patched.
 */
export async function addRuntime(
  host: Host,
  layer: Directory,
  input: {
    readonly node: string;
    readonly packages: Directory;
    readonly workFolder: string;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  // Under a name of its own: two builds may share the folder.
  const stripped = join(input.workFolder, `node.${process.pid}`);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => host.files.remove(stripped));
  await runChecked(host.programs, ['strip', '--strip-all', '-o', stripped, input.node], {
    environment: cleanEnvironment(host),
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
  const node = await host.files.read(stripped, NODE_LIMIT);
  if (node === undefined) throw new FrameworkError('missing-file', `strip made no ${stripped}`);
  const attributes = { mode: 0o755, mtime: { seconds: BUILD_TIME, nanoseconds: 0 } };
  place(layer, '/usr/lib/cairn/bin/node', makeFile(memorySource(node), attributes));

  const picker = new Picker(input.packages);
  for (const name of parseElf(node, 'node').needed) await picker.takeLibrary(name, 'node');
  for (const [name, library] of picker.libraries) {
    place(
      layer,
      `/usr/lib/cairn/lib/${name}`,
      makeFile(await readAll(library.content, NODE_LIMIT), attributes),
    );
  }
}
