import { join } from 'node:path';
import { memorySource, teeTarget } from '@cairn/bytes';
import type { UkiImage } from '@cairn/disk';
import type { Files } from '@cairn/host';
import { FRAMEWORK_PATHS, frameworkFile } from '../facts/framework.ts';
import { startImage } from '../media/image.ts';
import { diskFileName } from '../media/names.ts';
import { NewFolder } from '../output/folder.ts';
import { writeRoot } from '../output/root.ts';
import { staged } from '../output/staging.ts';
import type { OnProgress } from '../progress.ts';
import { encodeRelease, RELEASE_FILES, type Release } from '../release/schema.ts';
import { type PackageList, readPackages, spdxDocument } from '../sbom/index.ts';
import { checkUkiSize, diskSizes } from '../sizes.ts';
import { buildCommandLine } from '../uki/command-line.ts';
import { moduleArchive } from '../uki/initrd.ts';
import { buildUki } from '../uki/uki.ts';
import { checkPlace } from './place.ts';
import { planRelease, type ReleaseInput, type ReleaseOptions, type ReleasePlan } from './plan.ts';

export interface RenderDoors {
  readonly files: Files;
}

export interface RenderOptions extends ReleaseOptions {
  /** The release's folder. A release that is there is replaced, anything else is refused. */
  readonly out: string;
  /** Who writes the bill of materials: name and version with a hyphen between. */
  readonly tool?: string | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface Rendered {
  readonly release: Release;
  /** The path of the disk image; undefined where none was asked for. */
  readonly diskImage: string | undefined;
  /** What the bill of materials lacks, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * Renders a converted image for booting: a folder with root, UKI, bill of materials and description, and a disk image if one
 * is asked for. The same input and options give the same bytes, wherever and whenever. The folder appears when it is
 * whole; after a failure or an abort nothing is left.
 *
 * @throws ReleaseError `output-exists`, and all that `planRelease` throws; HostError where the disk is full;
 *   DiskError for what the formats cannot hold
 */
export async function renderRelease(
  input: ReleaseInput,
  doors: RenderDoors,
  options: RenderOptions,
): Promise<Rendered> {
  const { out, onProgress } = options;
  const { files } = doors;
  const replaces = await checkPlace(files, out);
  onProgress?.({ phase: 'inspect' });
  const plan = await planRelease(input, options);
  async function write(path: string): Promise<Rendered> {
    const rendered = await writeRelease(plan, await NewFolder.make(files, path), input, options);
    onProgress?.({ phase: 'finish' });
    return {
      ...rendered,
      diskImage: plan.disk === undefined ? undefined : join(out, diskFileName(plan.disk.format)),
    };
  }
  return staged(files, out, write, { replaces, signal: options.signal });
}

async function writeRelease(
  plan: ReleasePlan,
  folder: NewFolder,
  input: ReleaseInput,
  options: RenderOptions,
): Promise<Omit<Rendered, 'diskImage'>> {
  const { signal, onProgress } = options;
  // Compressing is another thread's work: it goes on while this one writes the root.
  const modules = moduleArchive(plan.tree, plan.bootable.kernel, signal);
  // It is awaited later; if the root fails before, that is the failure to be told.
  modules.catch(() => {});

  await using diskFile = plan.disk && (await folder.create(diskFileName(plan.disk.format)));
  const disk = plan.disk && diskFile && (await startImage(diskFile, plan.disk));
  await using rootFile = await folder.create(RELEASE_FILES.root);
  // The disk gets its root along with the file, so that it is read and hashed only once.
  const root = await writeRoot(plan.root, disk ? teeTarget(rootFile, disk.slot) : rootFile, options);

  onProgress?.({ phase: 'uki' });
  const commandLine = buildCommandLine({
    ...root,
    init: plan.bootable.init.path,
    extra: plan.commandLine,
  });
  const uki = await ukiOf(plan, commandLine, await modules, signal);
  checkUkiSize(uki.size);
  const ukiFile = await folder.put(RELEASE_FILES.uki, uki, signal);

  onProgress?.({ phase: 'sbom' });
  const list = await readPackages(plan.tree, { signal });
  const sbom = encodeSbom(list, plan, input, options.tool);
  const sbomFile = await folder.put(RELEASE_FILES.sbom, sbom);

  const { name, version, bootable, image, kernelImage, framework, slotSize } = plan;
  const release: Release = {
    formatVersion: 1,
    name,
    version,
    architecture: bootable.architecture,
    image,
    framework: { version: framework.version, digest: framework.digest },
    kernel: {
      version: bootable.kernel.version,
      ...(kernelImage === undefined ? {} : { image: kernelImage }),
    },
    init: { path: bootable.init.path, kind: bootable.init.kind },
    commandLine,
    root: { file: RELEASE_FILES.root, ...root },
    uki: { file: RELEASE_FILES.uki, ...ukiFile },
    sbom: { file: RELEASE_FILES.sbom, ...sbomFile, packages: list.packages.length },
    slotSize,
  };
  await folder.put(RELEASE_FILES.description, encodeRelease(release));

  if (disk !== undefined) {
    onProgress?.({ phase: 'disk' });
    const bootLoader = frameworkFile(plan.tree, FRAMEWORK_PATHS.bootLoader).content;
    await disk.finish(release, { uki, bootLoader, sbom: memorySource(sbom) }, signal);
  }
  return { release, warnings: list.warnings };
}

function ukiOf(
  plan: ReleasePlan,
  commandLine: string,
  modules: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<UkiImage> {
  return buildUki(
    {
      root: plan.tree,
      osRelease: plan.facts.osRelease,
      kernel: plan.bootable.kernel,
      architecture: plan.architecture,
      commandLine,
      sizes: diskSizes(plan.slotSize),
      modules,
    },
    signal,
  );
}

function encodeSbom(
  list: PackageList,
  { image, name }: ReleasePlan,
  input: ReleaseInput,
  tool: string | undefined,
): Uint8Array {
  const document = spdxDocument(list, {
    name: image.reference ?? name,
    imageDigest: image.digest,
    created: input.image.created,
    tool,
  });
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
}
