import { memorySource, readAll } from '@cairn/bytes';
import { assembleUki, type UkiImage } from '@cairn/disk';
import { type Directory, lookup } from '@cairn/tree';
import type { Architecture } from '../architecture.ts';
import { ReleaseError } from '../error.ts';
import type { BootKernel } from '../facts/bootable.ts';
import { FRAMEWORK_PATHS, frameworkFile } from '../facts/framework.ts';
import type { OsRelease } from '../facts/os-release.ts';
import type { DiskSizes } from '../sizes.ts';
import { textArchive } from './initrd.ts';
import { partitionDefinitions } from './partitions.ts';

export interface UkiInput {
  /** The tree with framework and kernel. */
  readonly root: Directory;
  readonly osRelease: OsRelease;
  readonly kernel: BootKernel;
  readonly architecture: Architecture;
  readonly commandLine: string;
  readonly sizes: DiskSizes;
  /** What `moduleArchive` made. */
  readonly modules: Uint8Array;
}

/** systemd's stub has 100 KB. */
const STUB_LIMIT = 16 << 20;

/** Where the initrd finds the command line that it was made for, to compare it with the one it was started with. */
const COMMAND_LINE_PATH = '/etc/cairn/cmdline';
const DEFINITIONS_FOLDER = '/usr/lib/repart.d';

/**
 * The Unified Kernel Image of a release (UAPI.5). Its initrd is the framework's, the kernel's modules, and the
 * texts of this release: each an archive of its own.
 */
export async function buildUki(input: UkiInput, signal?: AbortSignal): Promise<UkiImage> {
  const { root, kernel, commandLine } = input;
  const stub = await readAll(frameworkFile(root, FRAMEWORK_PATHS.stub).content, STUB_LIMIT, signal);
  const image = lookup(root, kernel.image)?.inode;
  if (image?.kind !== 'file') throw new ReleaseError('no-kernel', `the image has no ${kernel.image}`);
  const text = new TextEncoder();
  const initrd = [
    frameworkFile(root, FRAMEWORK_PATHS.initrd).content,
    memorySource(input.modules),
    textArchive(releaseTexts(input)),
  ];
  return assembleUki(
    {
      stub,
      sections: [
        { name: '.osrel', content: osReleaseSection(input.osRelease) },
        { name: '.uname', content: text.encode(kernel.version) },
        { name: '.cmdline', content: text.encode(commandLine) },
        { name: '.initrd', content: initrd },
        { name: '.linux', content: [image.content] },
      ],
    },
    signal === undefined ? {} : { signal },
  );
}

function releaseTexts({ commandLine, sizes, architecture }: UkiInput): Map<string, string> {
  const texts = new Map([[COMMAND_LINE_PATH, commandLine]]);
  for (const [file, definition] of partitionDefinitions(sizes, architecture)) {
    texts.set(`${DEFINITIONS_FOLDER}/${file}`, definition);
  }
  return texts;
}

/** A UKI without one is not taken for one by boot loaders. */
function osReleaseSection(osRelease: OsRelease): Uint8Array {
  if (osRelease.bytes.length > 0) return osRelease.bytes;
  return new TextEncoder().encode(`ID=${osRelease.id}\nPRETTY_NAME="${osRelease.prettyName}"\n`);
}
