export { bundleForQuickjs } from './agent-bundle.ts';
export { buildFramework, type Framework, type FrameworkOptions } from './build.ts';
export { makePackageTree, type PackageTreeOptions } from './debian.ts';
export { FrameworkError, type FrameworkErrorCode } from './error.ts';
export {
  KERNEL_PACKAGE,
  type KernelImage,
  type KernelImageOptions,
  makeKernelImage,
} from './kernel-image.ts';
export { runProgram } from './program.ts';
