import { type Directory, lookup, lookupDirectory, place } from '@cairn/tree';
import { ReleaseError } from '../error.ts';
import { findKernels, type Kernel } from '../facts/kernels.ts';
import { cloneTree } from './clone.ts';

export interface WithKernelOptions {
  /** Which one, where the other image has several. */
  readonly kernelVersion?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What belongs to a kernel in `/boot`, and the links to it that Debian puts at the root. */
const BOOT_NAME = /^(?:vmlinuz|Image|initrd|initramfs|System\.map|config|symvers)(?:[-.].*)?$/;
const ROOT_LINK = /^(?:vmlinuz|initrd\.img)(?:\.old)?$/;

/**
 * A tree with the kernel and modules of another tree in place of its own.
 *
 * @throws ReleaseError `no-kernel`, `several-kernels` or `no-modules`, of the other tree
 */
export async function withKernel(
  root: Directory,
  kernelTree: Directory,
  options: WithKernelOptions = {},
): Promise<Directory> {
  const kernel = chooseKernel(await findKernels(kernelTree, options.signal), options.kernelVersion);
  const image = lookup(kernelTree, kernel.image)?.inode;
  const modules = kernel.modules === undefined ? undefined : lookupDirectory(kernelTree, kernel.modules);
  if (image === undefined || modules === undefined) {
    throw new ReleaseError('no-modules', `the kernel image has ${kernel.version} without its modules`, {
      hint: 'Make the kernel image from a package that brings them.',
    });
  }
  const result = cloneTree(root);
  removeKernels(result);
  place(result, `/boot/vmlinuz-${kernel.version}`, image);
  place(result, `/lib/modules/${kernel.version}`, cloneTree(modules));
  return result;
}

function chooseKernel(kernels: readonly Kernel[], wanted: string | undefined): Kernel {
  const fitting = wanted === undefined ? kernels : kernels.filter(({ version }) => version === wanted);
  const [kernel, ...others] = fitting;
  const versions = kernels.map(({ version }) => version).join(', ');
  if (kernel === undefined) {
    throw new ReleaseError(
      'no-kernel',
      wanted === undefined
        ? 'the image given for its kernel has none'
        : `the image given for its kernel has no ${wanted}`,
      versions === '' ? {} : { hint: `It has ${versions}.` },
    );
  }
  if (others.length > 0) {
    throw new ReleaseError(
      'several-kernels',
      `the image given for its kernel has ${fitting.length}: ${versions}`,
      { hint: 'Say which: `--kernel-version VERSION`.' },
    );
  }
  return kernel;
}

function removeKernels(root: Directory): void {
  removeNames(lookupDirectory(root, '/boot'), BOOT_NAME);
  for (const folder of ['/usr/lib/modules', '/lib/modules']) lookupDirectory(root, folder)?.entries.clear();
  removeNames(root, ROOT_LINK);
}

function removeNames(directory: Directory | undefined, pattern: RegExp): void {
  // A map may lose the entry that it is at.
  for (const name of directory?.entries.keys() ?? []) {
    if (pattern.test(name)) directory?.entries.delete(name);
  }
}
