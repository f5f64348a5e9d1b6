import { toText } from '@cairn/bytes';
import type { Directory } from '@cairn/tree';
import { ReleaseError } from '../error.ts';
import type { ModuleIndex } from '../modules/dependencies.ts';
import { loadModuleIndex } from '../modules/load.ts';
import { missingModules } from '../modules/select.ts';
import type { Init } from './init.ts';
import type { OsFacts } from './inspect.ts';
import type { Kernel } from './kernels.ts';

/** The kernel that a release boots. */
export interface BootKernel extends Kernel {
  readonly modules: string;
  readonly index: ModuleIndex;
}

/** What is sure once every check is passed. */
export interface Bootable {
  readonly architecture: string;
  readonly init: Init;
  readonly kernel: BootKernel;
}

export interface BootRequest {
  /** For which machines, by the names of container images: `amd64`. */
  readonly architecture: string;
  /** Which one, where the image has several kernels. */
  readonly kernelVersion?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The first with EROFS that mounts what is written here, and with all options of dm-verity that the command line names. */
const OLDEST_KERNEL = [5, 15] as const;

const KERNEL_HINT = 'Take another kernel from an image that has one: `--kernel IMAGE`.';

/**
 * Checks that an image can be booted, and settles with what.
 *
 * @throws ReleaseError `wrong-architecture`, `no-init`, `no-kernel`, `several-kernels`, `kernel-unfit`, `no-modules`
 */
export async function requireBootable(
  root: Directory,
  facts: OsFacts,
  request: BootRequest,
): Promise<Bootable> {
  checkArchitecture(facts, request.architecture);
  const init = requireInit(facts);
  const kernel = requireKernel(facts, request.kernelVersion);
  checkVersion(kernel);
  checkImage(kernel, request.architecture);
  const { modules } = kernel;
  if (modules === undefined) throw noModules(kernel, facts);
  const index = await loadModuleIndex(root, modules, request.signal);
  checkModules(kernel, index);
  return { architecture: request.architecture, init, kernel: { ...kernel, modules, index } };
}

function checkArchitecture({ architecture }: OsFacts, asked: string): void {
  if (architecture === undefined || architecture === asked) return;
  throw new ReleaseError('wrong-architecture', `the image is for ${architecture}, asked for is ${asked}`, {
    hint: `Name an image that is for ${asked}, or ask for ${architecture}.`,
  });
}

function requireInit({ init }: OsFacts): Init {
  if (init !== undefined) return init;
  throw new ReleaseError('no-init', 'the image has no init: there is no program at /sbin/init', {
    hint: 'Install one in the Dockerfile: `systemd-sysv` (Debian, Ubuntu), `systemd` (Fedora, SUSE), `openrc` (Alpine).',
  });
}

function requireKernel({ kernels, moduleVersions }: OsFacts, wanted: string | undefined): Kernel {
  const versions = kernels.map((kernel) => kernel.version).join(', ');
  if (wanted !== undefined) {
    const kernel = kernels.find(({ version }) => version === wanted);
    if (kernel !== undefined) return kernel;
    throw new ReleaseError('no-kernel', `the image has no kernel ${wanted}`, {
      hint: kernels.length === 0 ? KERNEL_HINT : `It has ${versions}.`,
    });
  }
  const [kernel, ...others] = kernels;
  if (kernel === undefined) {
    const modules = moduleVersions.length === 0 ? '' : `, only modules of ${moduleVersions.join(', ')}`;
    throw new ReleaseError('no-kernel', `the image has no kernel in /boot or /usr/lib/modules${modules}`, {
      hint: "Install the distribution's kernel package in the Dockerfile, or take kernel and modules from another image: `--kernel IMAGE`.",
    });
  }
  if (others.length > 0) {
    throw new ReleaseError('several-kernels', `the image has ${kernels.length} kernels: ${versions}`, {
      hint: 'Remove all but one in the Dockerfile, or say which: `--kernel-version VERSION`.',
    });
  }
  return kernel;
}

function checkVersion({ version }: Kernel): void {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  // Of a version that is not numbered the modules tell.
  if (major === undefined || minor === undefined) return;
  const [oldestMajor, oldestMinor] = OLDEST_KERNEL;
  if (Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor)) return;
  throw new ReleaseError(
    'kernel-unfit',
    `the kernel ${version} is too old: it takes ${OLDEST_KERNEL.join('.')} or newer`,
    { hint: KERNEL_HINT },
  );
}

function checkImage({ version, image, bzImage }: Kernel, architecture: string): void {
  if (architecture !== 'amd64') return;
  const fault =
    bzImage === undefined
      ? 'is not a kernel for x86'
      : !bzImage.is64Bit
        ? 'is a kernel for 32 bits'
        : !bzImage.hasEfiStub
          ? 'cannot be started by UEFI (CONFIG_EFI_STUB)'
          : undefined;
  if (fault === undefined) return;
  throw new ReleaseError('kernel-unfit', `${toText(image)} (${version}) ${fault}`, { hint: KERNEL_HINT });
}

function noModules({ version, image }: Kernel, { moduleVersions }: OsFacts): ReleaseError {
  const there = moduleVersions.length === 0 ? '' : `; there are modules of ${moduleVersions.join(', ')}`;
  return new ReleaseError(
    'no-modules',
    `the kernel ${toText(image)} has no modules in /usr/lib/modules/${version}${there}`,
    {
      hint: "Install the kernel with its modules' package in the Dockerfile, or take both from another image: `--kernel IMAGE`.",
    },
  );
}

function checkModules({ version }: Kernel, index: ModuleIndex): void {
  const missing = missingModules(index);
  if (missing.length === 0) return;
  throw new ReleaseError(
    'kernel-unfit',
    `the kernel ${version} has no ${missing.join(' and no ')}, neither built in nor as a module`,
    { hint: KERNEL_HINT },
  );
}
