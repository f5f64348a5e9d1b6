import type { Directory } from '@cairn/tree';
import { type Framework, readFramework } from './framework.ts';
import { findArchitecture, findInit, type Init } from './init.ts';
import { findKernels, type Kernel, moduleFolders } from './kernels.ts';
import { type OsRelease, readOsRelease } from './os-release.ts';

/** What an image's file tree is, as far as booting it goes. Nothing is judged yet: see `requireBootable`. */
export interface OsFacts {
  readonly osRelease: OsRelease;
  /** By the names of container images, `amd64`; undefined where no program of the tree tells. */
  readonly architecture: string | undefined;
  readonly init: Init | undefined;
  /** By version, in byte order. */
  readonly kernels: readonly Kernel[];
  /** Versions that modules are there for, with or without their kernel. */
  readonly moduleVersions: readonly string[];
  /** Undefined where the image is not converted. */
  readonly framework: Framework | undefined;
}

/**
 * Looks at an image's file tree.
 *
 * @throws ReleaseError `bad-image` when `framework.json` cannot be read; TreeError for a loop of links
 */
export async function inspectTree(
  root: Directory,
  options: { readonly signal?: AbortSignal } = {},
): Promise<OsFacts> {
  const { signal } = options;
  return {
    osRelease: await readOsRelease(root, signal),
    architecture: await findArchitecture(root, signal),
    init: await findInit(root, signal),
    kernels: await findKernels(root, signal),
    moduleVersions: [...moduleFolders(root).keys()].sort(),
    framework: await readFramework(root, signal),
  };
}
