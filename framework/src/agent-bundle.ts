import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromText } from '@cairn/bytes';
import { type Directory, makeFile, place } from '@cairn/tree';
import { type OutputChunk, rolldown } from 'rolldown';
import { BUILD_TIME } from './debian.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** By names that the initrd's unit and the `cairn` wrapper know. */
const PROGRAMS = {
  agent: 'packages/cli/src/main.ts',
  boot: 'packages/agent/src/boot/main.ts',
} as const;

/**
 * The `cairn` command, and what a boot runs, each with all that it imports as a few JavaScript files. They are
 * bundled apart, so that a boot reads nothing that it does not need.
 */
export async function addAgent(layer: Directory): Promise<void> {
  for (const [name, source] of Object.entries(PROGRAMS)) {
    for (const { fileName, code } of await bundle(name, source)) {
      const content = makeFile(code, { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } });
      place(layer, `/usr/lib/cairn/${fromText(fileName)}`, content);
    }
  }
}

async function bundle(name: string, source: string): Promise<OutputChunk[]> {
  await using build = await rolldown({
    cwd: REPOSITORY,
    input: { [name]: join(REPOSITORY, source) },
    platform: 'node',
    logLevel: 'warn',
    // Node's own modules do nothing by being imported: those that nothing is used of are left out.
    treeshake: { moduleSideEffects: [{ external: true, sideEffects: false }] },
  });
  const { output } = await build.generate({
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: `${name}-[name].mjs`,
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  });
  return output.map((file) => {
    if (file.type === 'chunk') return file;
    throw new TypeError(`the bundle has an asset, ${file.fileName}, that nothing places`);
  });
}
