import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromText } from '@cairn/bytes';
import { type Directory, makeFile, place } from '@cairn/tree';
import { type InputOptions, type OutputChunk, type OutputOptions, rolldown } from 'rolldown';
import { BUILD_TIME } from './debian.ts';
import { FrameworkError } from './error.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** By names that the `cairn` wrapper and /init know. */
const AGENT = { name: 'agent', source: join(REPOSITORY, 'packages/cli/src/main.ts') };
const BOOT = { name: 'boot', source: join(REPOSITORY, 'packages/agent/src/boot/main.ts') };

/** What Node has of its own and QuickJS has not: as much of it as a boot uses. */
const REPLACED = ['node:crypto', 'node:path', 'node:zlib'];
const REPLACEMENT = join(REPOSITORY, 'packages/host/src/quickjs/node.ts');

interface Engine {
  readonly input: InputOptions;
  readonly output: OutputOptions;
}

/** The engines' own modules do nothing by being imported: those that nothing is used of are left out. */
const treeshake = { moduleSideEffects: [{ external: true, sideEffects: false }] };

const NODE: Engine = { input: { platform: 'node', treeshake }, output: {} };

const QUICKJS: Engine = {
  input: {
    platform: 'neutral',
    treeshake,
    external: (id) => id.startsWith('quickjs:') || (id.startsWith('node:') && !REPLACED.includes(id)),
    resolve: { alias: Object.fromEntries(REPLACED.map((id) => [id, REPLACEMENT])) },
    // Where an import that is not used is of something that is not replaced; what is used is looked for below.
    shimMissingExports: true,
    onLog: (level, log, report) => log.code === 'SHIMMED_EXPORT' || report(level, log),
    // As new as QuickJS 2025-04 understands: `using` is put into other words.
    transform: { target: 'es2022' },
  },
  output: { codeSplitting: false, paths: (id) => id.replace(/^quickjs:/, '') },
};

/** Adds the `cairn` command, which Node runs, to the layer, with all that it imports as a few files. */
export async function addAgent(layer: Directory): Promise<void> {
  for (const { fileName, code } of await bundle(AGENT, NODE)) addFile(layer, fileName, code);
}

/** Adds what a boot runs to the initrd: there Node is not at hand yet, and QuickJS runs it. */
export async function addBoot(initrd: Directory): Promise<void> {
  addFile(initrd, 'boot.mjs', await bundleForQuickjs(BOOT.source));
}

/**
 * A program with all that it imports, for QuickJS. It must import `@cairn/host/quickjs/globals` before all else.
 *
 * @param source path of its main file
 * @throws FrameworkError `missing-file` where it uses something of Node
 */
export async function bundleForQuickjs(source: string): Promise<string> {
  const [file, more] = await bundle({ name: BOOT.name, source }, QUICKJS);
  if (file === undefined || more !== undefined) throw new TypeError(`${source} became more than one file`);
  const missing =
    file.imports.find((id) => id.startsWith('node:')) ?? /^var (\w+) = void 0;$/m.exec(file.code)?.[1];
  if (missing === undefined) return file.code;
  throw new FrameworkError('missing-file', `${source} uses ${missing} of Node, which nothing replaces`);
}

function addFile(onto: Directory, name: string, code: string): void {
  const content = makeFile(code, { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } });
  place(onto, `/usr/lib/cairn/${fromText(name)}`, content);
}

async function bundle(
  program: { readonly name: string; readonly source: string },
  { input, output }: Engine,
): Promise<OutputChunk[]> {
  await using build = await rolldown({
    ...input,
    cwd: REPOSITORY,
    input: { [program.name]: program.source },
    logLevel: 'warn',
  });
  const { output: files } = await build.generate({
    ...output,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: `${program.name}-[name].mjs`,
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  });
  return files.map((file) => {
    if (file.type === 'chunk') return file;
    throw new TypeError(`the bundle has an asset, ${file.fileName}, that nothing places`);
  });
}
