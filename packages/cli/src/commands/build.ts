import { dirname, join, resolve } from 'node:path';
import { formatBytes } from '@cairn/bytes';
import { openImage, openTree, type Reference } from '@cairn/oci';
import {
  type DiskFormat,
  diskFileName,
  inspectTree,
  type Release,
  type ReleaseInput,
  renderRelease,
  type SourceImage,
  withKernel,
  writeDisk,
} from '@cairn/release';
import type { Directory } from '@cairn/tree';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { CliError } from '../errors/error.ts';
import { type OpenDoors, openDoors } from '../image/doors.ts';
import { openFramework } from '../image/framework.ts';
import { layerProgress } from '../image/layer-progress.ts';
import { layFramework } from '../image/with-framework.ts';
import { collect, type ImageOptions, parseImage, withImageOptions } from '../options/image.ts';
import { parseSize } from '../options/size.ts';
import { indent, table } from '../output/text.ts';
import type { Session } from '../session.ts';
import { VERSION } from '../version.ts';

/** What makes a release's files of an image. */
export interface InputOptions extends ImageOptions {
  readonly kernel?: string;
  readonly kernelVersion?: string;
  readonly framework?: string;
}

interface BuildOptions extends InputOptions {
  readonly output: string;
  readonly format?: readonly DiskFormat[];
  readonly diskSize?: number;
  readonly slotSize?: number;
  readonly cmdline?: readonly string[];
  readonly name?: string;
  readonly version?: string;
}

const FORMATS: ReadonlySet<string> = new Set<DiskFormat>(['raw', 'qcow2']);

const EXAMPLES = [
  'cairn build debian-os:13 -o out',
  'cairn build oci:my-os -o out --format qcow2 --disk-size 20G --cmdline console=ttyS0',
  'cairn build ghcr.io/me/os:1.4 -o out --kernel ghcr.io/me/kernel:6.12 --version 1.4',
];

export function buildCommand(commands: CommandLine): Command {
  const command = commands
    .working('build', 'make a bootable release of a container image, and disks of it', EXAMPLES)
    .argument('<image>', 'the image; it is converted on the way if it is not')
    .requiredOption('-o, --output <folder>', 'the release: made new, or in place of another release')
    .option('--format <formats>', 'make disks too: raw, qcow2, or both with a comma', addFormats)
    .option('--disk-size <size>', 'of the disks, as in 20G; room for all partitions unless given', parseSize)
    .option(
      '--slot-size <size>',
      'of each root partition; twice the root, 2G at least, unless given',
      parseSize,
    )
    .option('--kernel <image>', 'take kernel and modules from this image')
    .option('--kernel-version <version>', 'which kernel, where there are several')
    .option('--cmdline <argument>', 'one more argument for the kernel (repeatable)', collect)
    .option('--name <name>', 'what the boot menu shows; the image’s title unless given')
    .option('--version <version>', 'of the release; the image’s own unless given')
    .option('--framework <file>', 'the framework layer for an image that is not converted');
  return withImageOptions(command).action(
    commands.action((session, { args }) => build(session, command.opts(), args[0])),
  );
}

function addFormats(text: string, before: readonly DiskFormat[] = []): readonly DiskFormat[] {
  const formats = text.split(',').filter((name): name is DiskFormat => FORMATS.has(name));
  if (formats.length === text.split(',').length) return [...new Set([...before, ...formats])];
  throw new CliError('usage', `"${text}" is not a disk format`, {
    hint: `There are ${[...FORMATS].join(' and ')}.`,
  });
}

async function build(session: Session, options: BuildOptions, name = ''): Promise<void> {
  const { host, report, signal } = session;
  const { format: formats = [], diskSize } = options;
  const [format, ...moreFormats] = formats;
  if (format === undefined && diskSize !== undefined) {
    throw new CliError('usage', '--disk-size is for a disk, and none is asked for', {
      hint: 'Add --format raw or --format qcow2.',
    });
  }
  const started = host.clock.monotonic();
  const out = resolve(options.output);
  const doors = { files: host.files };
  const step = { signal, onProgress: report.progress };
  await using input = await openInput(session, options, name, dirname(out));
  const { release, warnings } = await renderRelease(input, doors, {
    ...step,
    out,
    architecture: options.platform.architecture,
    kernelVersion: options.kernelVersion,
    commandLine: options.cmdline,
    name: options.name,
    version: options.version,
    slotSize: options.slotSize,
    tool: `cairn-${VERSION}`,
    disk: format && { format, size: diskSize },
  });
  for (const more of moreFormats) {
    await writeDisk(out, doors, {
      ...step,
      out: join(out, diskFileName(more)),
      format: more,
      size: diskSize,
    });
  }
  for (const warning of warnings) report.warning(warning);
  const seconds = (host.clock.monotonic() - started) / 1000;
  report.summary({
    data: { folder: out, release, disks: formats.map(diskFileName), seconds },
    text: summaryText(options.output, formats, release, seconds),
  });
}

/** The image's files, with framework and kernel as they are to be. All that they lie in stays open until the dispose. */
export async function openInput(
  session: Session,
  options: InputOptions,
  name: string,
  workFolder: string,
): Promise<ReleaseInput & AsyncDisposable> {
  const { signal } = session;
  const { kernelVersion } = options;
  const reference = parseImage(name);
  const kernelReference = options.kernel === undefined ? undefined : parseImage(options.kernel);
  await using stack = new AsyncDisposableStack();
  const doors = stack.use(openDoors(session, options, workFolder));
  const { root, image } = await openSource(stack, session, doors, reference, options);
  const { framework } = await inspectTree(root, { signal });
  if (framework === undefined) {
    layFramework(root, stack.use(await openFramework(session, doors, options)).root);
  }
  const kernel = kernelReference && (await openSource(stack, session, doors, kernelReference, options));
  const whole = kernel ? await withKernel(root, kernel.root, { kernelVersion, signal }) : root;
  const kept = stack.move();
  return {
    root: whole,
    image,
    kernelImage: kernel?.image,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** An image and its files, which stay open until the stack is disposed of. */
async function openSource(
  stack: AsyncDisposableStack,
  { report, signal }: Session,
  doors: OpenDoors,
  reference: Reference,
  { platform }: InputOptions,
): Promise<{ readonly root: Directory; readonly image: SourceImage }> {
  const opened = stack.use(
    await openImage(reference, doors, { platform, signal, onProgress: layerProgress(report) }),
  );
  const { root } = stack.use(await openTree(opened, { signal, onProgress: layerProgress(report, opened) }));
  const { labels, created } = opened.config;
  return { root, image: { reference, digest: opened.digest, labels, created } };
}

function summaryText(
  output: string,
  formats: readonly DiskFormat[],
  release: Release,
  seconds: number,
): string {
  const { name, version, kernel, root, uki, sbom } = release;
  const folder = output.replace(/\/$/, '');
  const rows = [
    [root.file, formatBytes(root.size), `root hash ${root.rootHash}`],
    [uki.file, formatBytes(uki.size), `kernel ${kernel.version}`],
    [sbom.file, formatBytes(sbom.size), `${sbom.packages} packages`],
    ...formats.map((format) => [diskFileName(format), '', 'boots by UEFI']),
  ];
  return [
    `${name} ${version} is in ${folder}, made in ${seconds.toFixed(1)} s`,
    indent(table(rows)),
    ...bootText(folder, formats),
  ].join('\n');
}

function bootText(folder: string, [format]: readonly DiskFormat[]): string[] {
  if (format === undefined) {
    return ['A disk to boot is made along with it by `--format qcow2` or `--format raw`.'];
  }
  const disk = `-drive file=${folder}/${diskFileName(format)},format=${format},if=virtio`;
  return [
    'Boot it in a virtual machine:',
    `  qemu-system-x86_64 -machine q35,accel=kvm:tcg -m 2G -bios /usr/share/ovmf/OVMF.fd ${disk}`,
  ];
}
