import { randomUUID } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type ByteSource, type ByteTarget, chunksOf, sha256OfStream } from '@cairn/bytes';
import { type Files, type Host, HostError, type OpenFile } from '@cairn/host';
import { digestOf, type Image, mergeLayers, OciError, parseConfig, writeLayout } from '@cairn/oci';
import { TarWriter } from '@cairn/tar';
import {
  type Directory,
  lookup,
  lookupDirectory,
  makeDirectory,
  place,
  readFileIn,
  sortedEntries,
  walk,
} from '@cairn/tree';
import { ARCHITECTURE, BUILD_TIME, makePackageTree, SUITE } from './debian.ts';
import { FrameworkError } from './error.ts';
import { entryOf } from './layer.ts';

/** Debian's kernel for virtual machines. */
export const KERNEL_PACKAGE = 'linux-image-cloud-amd64';

export interface KernelImageOptions {
  /** A kernel package of Debian, or one that depends on it: KERNEL_PACKAGE unless given. */
  readonly package?: string;
  /** A release of Debian: 13 unless given. */
  readonly suite?: string;
  /** Of the image layout; it must not be there, or be empty. */
  readonly folder: string;
  /** What the image is called in the layout. */
  readonly tag?: string;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: string) => void;
}

export interface KernelImage {
  /** Of the image's manifest. */
  readonly digest: string;
  /** The kernels in it, as `uname -r` prints them. */
  readonly versions: readonly string[];
  /** Of its layer, compressed, in bytes. */
  readonly size: number;
}

/**
 * Makes an OCI image layout with a kernel of Debian's and its modules, and nothing else: what `cairn build --kernel`
 * takes for an image that has none. The same packages give the same bits.
 *
 * @throws FrameworkError `missing-tool`, `no-package`, `no-kernel`; OciError `exists`; HostError
 */
export async function makeKernelImage(host: Host, options: KernelImageOptions): Promise<KernelImage> {
  const { files } = host;
  const { signal } = options;
  const step = options.onStep ?? (() => {});
  const folder = resolve(options.folder);
  // Before minutes are spent on what could not be put there.
  if ((await files.lstat(folder)) !== undefined && (await files.list(folder)).length > 0) {
    throw new OciError('exists', `${options.folder} is there already`, {
      hint: 'remove it, or choose another folder',
    });
  }
  const work = join(dirname(folder), `.${basename(folder)}.work-${randomUUID()}`);
  await files.makeDirectory(work);
  try {
    step('unpacking packages');
    const packages = join(work, 'packages.tar');
    await unpackPackages(host, packages, options);
    step('kernel and modules');
    await using tar = await files.open(packages, 'read');
    const tree = await mergeLayers([{ name: 'packages', tar }], { signal });
    const { kernels, versions } = await pickKernels(tree, options.package ?? KERNEL_PACKAGE);
    step('compressing');
    return await writeImage(files, folder, work, { ...options, kernels, versions });
  } finally {
    await files.remove(work);
  }
}

/** Kernels and modules lie in one /usr whatever the release; `lib` is a link there, as depmod(8) wants it. */
const MERGED_USR =
  'mkdir -p "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" "$1/usr/lib64" && ' +
  'for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$1/$folder" || exit 1; done';

/** The index of the modules, which a package's own script would make when it is configured. The tree's kmod is of its release. */
const DEPMOD =
  'for modules in "$1"/usr/lib/modules/*/; do [ ! -d "$modules" ] || chroot "$1" /usr/sbin/depmod "$(basename "$modules")" || exit 1; done';

/** What reads modules: kmod opens the libraries for compressed ones by name, and without them takes such modules for empty. */
const TOOLS = ['kmod', 'liblzma5', 'libzstd1'] as const;

async function unpackPackages(host: Host, tarFile: string, options: KernelImageOptions): Promise<void> {
  const { package: name = KERNEL_PACKAGE, suite = SUITE, signal } = options;
  try {
    await makePackageTree(host, tarFile, {
      packages: [name, ...TOOLS],
      suite,
      variant: 'extract',
      setupHooks: [MERGED_USR],
      extractHooks: [DEPMOD],
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (!(cause instanceof HostError)) throw cause;
    if (cause.code === 'not-found') {
      throw new FrameworkError('missing-tool', 'mmdebstrap, which unpacks packages, is not installed', {
        hint: 'apt-get install mmdebstrap',
        cause,
      });
    }
    if (cause.code !== 'failed') throw cause;
    throw new FrameworkError('no-package', `${name} of ${suite} could not be unpacked: ${saidBy(cause)}`, {
      hint: `see whether ${suite} has such a package, and whether its archive can be reached`,
      cause,
    });
  }
}

/** mmdebstrap ends with a line for each of its own levels; before them is what went wrong. */
function saidBy(cause: HostError): string {
  const lines = cause.message.replace(/^[^]*failed with exit code \d+:? ?/, '').split('\n');
  return lines.findLast((line) => line !== '' && !line.includes('mmdebstrap failed')) ?? 'mmdebstrap failed';
}

/**
 * The kernels of a tree with the folders of their modules, in a tree of their own.
 *
 * @throws FrameworkError `no-kernel`
 */
export async function pickKernels(
  packages: Directory,
  packageName: string,
): Promise<{ readonly kernels: Directory; readonly versions: readonly string[] }> {
  const kernels = makeDirectory({ mtime: { seconds: BUILD_TIME, nanoseconds: 0 } });
  const versions: string[] = [];
  const boot = lookupDirectory(packages, '/boot');
  for (const [name, image] of boot === undefined ? [] : sortedEntries(boot)) {
    const version = /^vmlinuz-([!-~]+)$/.exec(name)?.[1];
    if (version === undefined || image.kind !== 'file') continue;
    const modules = `/usr/lib/modules/${version}`;
    const found = lookupDirectory(packages, modules);
    if (found === undefined || !(await isIndexed(packages, modules))) {
      throw new FrameworkError(
        'no-kernel',
        `${packageName} brings the kernel ${version}, but no modules of it that depmod could index`,
      );
    }
    place(kernels, `/boot/${name}`, image);
    place(kernels, modules, found);
    versions.push(version);
  }
  if (versions.length === 0) {
    throw new FrameworkError('no-kernel', `${packageName} brings no kernel`, {
      hint: 'name one such as linux-image-cloud-amd64, linux-image-amd64 or linux-image-rt-amd64',
    });
  }
  return { kernels, versions };
}

/** Whether depmod read the modules: one that could not leaves an index in which there are names, but no dependencies and aliases. */
async function isIndexed(packages: Directory, modules: string): Promise<boolean> {
  const aliases = await readFileIn(packages, `${modules}/modules.alias`);
  const isThere = lookup(packages, `${modules}/modules.dep.bin`)?.inode.kind === 'file';
  return isThere && aliases !== undefined && /^alias /m.test(new TextDecoder().decode(aliases));
}

interface Contents extends KernelImageOptions {
  readonly kernels: Directory;
  readonly versions: readonly string[];
}

async function writeImage(
  files: Files,
  folder: string,
  work: string,
  contents: Contents,
): Promise<KernelImage> {
  const { kernels, versions, tag, signal } = contents;
  const abort = signal === undefined ? {} : { signal };
  await using tar = await files.open(join(work, 'layer.tar'), 'create');
  const writer = new TarWriter(tar, abort);
  for (const { path, inode } of walk(kernels)) {
    if (path !== '/') await writer.add({ ...entryOf(inode), path: path.slice(1) });
  }
  await writer.finish();
  await using blob = await files.open(join(work, 'layer.tar.gz'), 'create');
  await compress(tar, blob, signal);

  const { package: name = KERNEL_PACKAGE, suite = SUITE } = contents;
  const written = await writeLayout(
    folder,
    emptyImage(),
    {
      extraLayers: [
        {
          blob,
          size: blob.size,
          digest: `sha256:${await sha256OfStream(chunksOf(blob, signal))}`,
          diffId: `sha256:${await sha256OfStream(chunksOf(tar, signal))}`,
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          createdBy: `cairn kernel-image (${name} of Debian ${suite}: ${versions.join(', ')})`,
        },
      ],
      ...(tag === undefined ? {} : { tag }),
    },
    { files },
    abort,
  );
  return { digest: written.digest, versions, size: blob.size };
}

/** With gzip: every tool reads it, and of kernel and modules, which are compressed already, zstd would make no less. */
async function compress(
  source: ByteSource & OpenFile,
  target: ByteTarget,
  signal?: AbortSignal,
): Promise<void> {
  const gzip = createGzip();
  // What goes wrong in the pipeline is thrown by the iteration.
  pipeline(chunksOf(source, signal), gzip, () => {});
  let position = 0;
  for await (const chunk of gzip as AsyncIterable<Buffer>) {
    await target.write(position, chunk);
    position += chunk.length;
  }
}

function emptyImage(): Image {
  const config = {
    architecture: ARCHITECTURE,
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
    history: [],
  };
  const configBytes = new TextEncoder().encode(JSON.stringify(config));
  const name = 'the kernel image';
  return {
    name,
    digest: digestOf(configBytes),
    config: parseConfig(configBytes, { label: name, layers: 0 }),
    configBytes,
    annotations: new Map(),
    layers: [],
    [Symbol.asyncDispose]: async () => {},
  };
}
