export { type Architecture, architectureNamed } from './architecture.ts';
export { type Aspect, type ChangedFile, diffTrees, type FileDiff, type OneFile } from './diff/files.ts';
export { type ChangedPackage, diffPackages, type PackageDiff } from './diff/packages.ts';
export { ReleaseError, type ReleaseErrorCode } from './error.ts';
export { type Bootable, type BootKernel, type BootRequest, requireBootable } from './facts/bootable.ts';
export { FRAMEWORK_PATHS, type Framework, parseFramework } from './facts/framework.ts';
export type { Init, InitKind } from './facts/init.ts';
export { inspectTree, type OsFacts } from './facts/inspect.ts';
export type { Kernel } from './facts/kernels.ts';
export { type OsRelease, parseOsRelease } from './facts/os-release.ts';
export { espFiles, loaderEntry, RECOVERY_ENTRY, recoveryEntry, releaseId } from './media/esp.ts';
export { LIVE } from './media/live.ts';
export { type DiskFormat, diskFileName, MEDIA_FORMATS, type MediaFormat } from './media/names.ts';
export { type LiveRelease, openLive } from './media/open-live.ts';
export type { ImageRequest } from './media/plan.ts';
export { bootLoaderIn, type WriteDiskOptions, writeDisk } from './media/write.ts';
export { type ModuleGroup, REQUIRED_MODULES, WANTED_MODULES } from './modules/wanted.ts';
export { rootVerity } from './output/root.ts';
export { type WithKernelOptions, withKernel } from './prepare/kernel.ts';
export { withMountPoints } from './prepare/mount-points.ts';
export type { OnProgress, Phase, ProgressEvent } from './progress.ts';
export type { SourceImage } from './release/identity.ts';
export { loadRelease } from './release/load.ts';
export {
  encodeRelease,
  parseRelease,
  RELEASE_FILES,
  RELEASE_LIMIT,
  type Release,
  type ReleaseImage,
  ReleaseSchema,
} from './release/schema.ts';
export { planRelease, type ReleaseInput, type ReleaseOptions, type ReleasePlan } from './render/plan.ts';
export { type RenderDoors, type Rendered, type RenderOptions, renderRelease } from './render/render.ts';
export {
  type Package,
  type PackageList,
  readPackages,
  type SpdxDocument,
  type SpdxOptions,
  spdxDocument,
} from './sbom/index.ts';
export { type DiskSizes, diskSizes, smallestDiskSize } from './sizes.ts';
export { buildCommandLine, type CommandLineRequest } from './uki/command-line.ts';
