import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromText } from '@cairn/bytes';
import { type Directory, makeFile, place } from '@cairn/tree';
import { rolldown } from 'rolldown';
import { BUILD_TIME } from './debian.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The `cairn` command with all it imports, as a few JavaScript files. What a boot runs is in a part of its own,
 * so that it starts without reading the rest.
 */
export async function addAgent(layer: Directory): Promise<void> {
  const bundle = await rolldown({
    cwd: REPOSITORY,
    input: { agent: join(REPOSITORY, 'packages/cli/src/main.ts') },
    platform: 'node',
    logLevel: 'warn',
  });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: 'agent-[name].mjs',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  });
  await bundle.close();
  for (const file of output) {
    if (file.type !== 'chunk')
      throw new TypeError(`the bundle has an asset, ${file.fileName}, that nothing places`);
    const content = makeFile(file.code, { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } });
    place(layer, `/usr/lib/cairn/${fromText(file.fileName)}`, content);
  }
}
