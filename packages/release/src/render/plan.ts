import type { Directory } from '@cairn/tree';
import { type Architecture, architectureNamed } from '../architecture.ts';
import { ReleaseError } from '../error.ts';
import { type Bootable, requireBootable } from '../facts/bootable.ts';
import { CONVERT_HINT, FRAMEWORK_PATHS, type Framework, frameworkFile } from '../facts/framework.ts';
import { inspectTree, type OsFacts } from '../facts/inspect.ts';
import { type ImageRequest, type PlannedImage, planImage } from '../media/plan.ts';
import { type PlannedRoot, planRoot } from '../output/root.ts';
import { withMountPoints } from '../prepare/mount-points.ts';
import {
  chooseName,
  chooseRootUuid,
  chooseVersion,
  describeImage,
  type SourceImage,
} from '../release/identity.ts';
import type { ReleaseImage } from '../release/schema.ts';
import { chooseSlotSize } from '../sizes.ts';
import { buildCommandLine } from '../uki/command-line.ts';

export interface ReleaseInput {
  /** The merged files of a converted image. */
  readonly root: Directory;
  readonly image: SourceImage;
  /** Which image `withKernel` took the kernel from. */
  readonly kernelImage?: Pick<SourceImage, 'reference' | 'digest'> | undefined;
}

export interface ReleaseOptions {
  /** By the names of container images: `amd64`. */
  readonly architecture: string;
  /** Which kernel, where the image has several. */
  readonly kernelVersion?: string | undefined;
  /** What people read in the boot menu; the image's title or the distribution's name unless given. */
  readonly name?: string | undefined;
  /** The image's version label, or `VERSION_ID` and digest, unless given. */
  readonly version?: string | undefined;
  /** Arguments for the kernel, besides those that the release needs. */
  readonly commandLine?: readonly string[] | undefined;
  /** The bytes of each root partition; the larger of 2 GiB and twice the root unless given. */
  readonly slotSize?: number | undefined;
  /** A disk image or an ISO to be made along with the release. */
  readonly disk?: ImageRequest | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A release of which all is settled but what follows from its bytes. Nothing has been written. */
export interface ReleasePlan {
  /** The files of the root, mount points included. */
  readonly tree: Directory;
  readonly facts: OsFacts;
  readonly bootable: Bootable;
  readonly framework: Framework;
  readonly architecture: Architecture;
  readonly name: string;
  readonly version: string;
  readonly image: ReleaseImage;
  readonly kernelImage: ReleaseImage | undefined;
  /** The user's kernel arguments. */
  readonly commandLine: readonly string[];
  readonly root: PlannedRoot;
  readonly slotSize: number;
  readonly disk: PlannedImage | undefined;
}

/**
 * Settles what a release will be, so that whatever can be wrong with image and options is said before the first byte.
 *
 * @throws ReleaseError of every code but `output-exists` and `bad-release`
 */
export async function planRelease(input: ReleaseInput, options: ReleaseOptions): Promise<ReleasePlan> {
  const { image } = input;
  const { commandLine = [], signal } = options;
  const architecture = architectureNamed(options.architecture);
  const tree = withMountPoints(input.root);
  const facts = await inspectTree(tree, signal === undefined ? {} : { signal });
  const bootable = await requireBootable(tree, facts, options);
  const framework = requireFramework(tree, facts, options.architecture);
  const name = chooseName(image, facts.osRelease, options.name);
  const version = chooseVersion(image, facts.osRelease, options.version);
  const uuid = chooseRootUuid([
    image.digest,
    input.kernelImage?.digest,
    framework.digest,
    bootable.kernel.version,
    name,
    version,
    options.slotSize,
    ...commandLine,
  ]);
  const root = planRoot(tree, uuid);
  const slotSize = chooseSlotSize(root.size, options.slotSize);
  // Only its root hash is not known yet, and that is as long as any other.
  buildCommandLine({
    rootHash: '0'.repeat(64),
    hashOffset: root.erofs.size,
    init: bootable.init.path,
    extra: commandLine,
  });
  return {
    tree,
    facts,
    bootable,
    framework,
    architecture,
    name,
    version,
    image: describeImage(image),
    kernelImage: input.kernelImage === undefined ? undefined : describeImage(input.kernelImage),
    commandLine,
    root,
    slotSize,
    disk:
      options.disk &&
      planImage(options.disk, { rootUuid: uuid, rootSize: root.size, architecture, slotSize }),
  };
}

function requireFramework(tree: Directory, { framework }: OsFacts, architecture: string): Framework {
  if (framework === undefined) {
    throw new ReleaseError('not-converted', 'the image has no framework layer', { hint: CONVERT_HINT });
  }
  if (framework.architecture !== architecture) {
    throw new ReleaseError(
      'wrong-architecture',
      `the image's framework layer is for ${framework.architecture}, asked for is ${architecture}`,
      { hint: CONVERT_HINT },
    );
  }
  for (const path of Object.values(FRAMEWORK_PATHS)) frameworkFile(tree, path);
  return framework;
}
