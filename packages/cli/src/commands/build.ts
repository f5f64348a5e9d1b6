import { dirname, join, resolve } from 'node:path';
import { formatBytes } from '@cairn/bytes';
import { openImage, openTree, type Reference } from '@cairn/oci';
import {
  diskFileName,
  type ImageRequest,
  inspectTree,
  MEDIA_FORMATS,
  type MediaFormat,
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
  readonly format?: readonly MediaFormat[];
  readonly diskSize?: number;
  readonly config?: string;
  readonly slotSize?: number;
  readonly cmdline?: readonly string[];
  readonly name?: string;
  readonly version?: string;
}

const FORMATS: ReadonlySet<string> = new Set(MEDIA_FORMATS);
/** Far more than a configuration has; what is allowed is the release's to say. */
const CONFIG_READ_LIMIT = 16 << 20;

const EXAMPLES = [
  'cairn build debian-os:13 -o out',
  'cairn build oci:my-os -o out --format qcow2 --disk-size 20G --cmdline console=ttyS0',
  'cairn build oci:my-os -o out --format iso --config node.yaml',
  'cairn build ghcr.io/me/os:1.4 -o out --kernel ghcr.io/me/kernel:6.12 --version 1.4',
];

export function buildCommand(commands: CommandLine): Command {
  const command = commands
    .working('build', 'make a bootable release of a container image, and disks or an ISO of it', EXAMPLES)
    .argument('<image>', 'the image; it is converted on the way if it is not')
    .requiredOption('-o, --output <folder>', 'the release: made new, or in place of another release')
    .option('--format <formats>', 'make media too: raw, qcow2, iso, or several with commas', addFormats)
    .option('--disk-size <size>', 'of the disks, as in 20G; room for all partitions unless given', parseSize)
    .option('--config <file>', 'put this configuration on the ISO, for the machines that it installs')
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

function addFormats(text: string, before: readonly MediaFormat[] = []): readonly MediaFormat[] {
  const formats = text.split(',').filter((name): name is MediaFormat => FORMATS.has(name));
  if (formats.length === text.split(',').length) return [...new Set([...before, ...formats])];
  throw new CliError('usage', `"${text}" is not a disk format`, {
    hint: 'There are raw, qcow2 and iso.',
  });
}

async function build(session: Session, options: BuildOptions, name = ''): Promise<void> {
  const { host, report, signal } = session;
  const { format: formats = [] } = options;
  const [image, ...moreImages] = await imageRequests(session, options, formats);
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
    disk: image,
  });
  for (const more of moreImages) {
    await writeDisk(out, doors, { ...step, ...more, out: join(out, diskFileName(more.format)) });
  }
  for (const warning of warnings) report.warning(warning);
  const seconds = (host.clock.monotonic() - started) / 1000;
  report.summary({
    data: { folder: out, release, disks: formats.map(diskFileName), seconds },
    text: summaryText(options.output, formats, release, seconds),
  });
}

/** The media that are asked for, each with the options that are for its kind. */
async function imageRequests(
  { host }: Session,
  { diskSize, config }: BuildOptions,
  formats: readonly MediaFormat[],
): Promise<ImageRequest[]> {
  if (diskSize !== undefined && !formats.some((format) => format !== 'iso')) {
    throw new CliError('usage', '--disk-size is for a disk, and none is asked for', {
      hint: 'Add --format raw or --format qcow2.',
    });
  }
  if (config !== undefined && !formats.includes('iso')) {
    throw new CliError('usage', '--config is for an ISO, and none is asked for', {
      hint: 'Add --format iso.',
    });
  }
  const bytes = config === undefined ? undefined : await host.files.read(resolve(config), CONFIG_READ_LIMIT);
  if (config !== undefined && bytes === undefined) {
    throw new CliError('not-found', `there is no configuration ${config}`);
  }
  return formats.map((format) => (format === 'iso' ? { format, config: bytes } : { format, size: diskSize }));
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
  formats: readonly MediaFormat[],
  release: Release,
  seconds: number,
): string {
  const { name, version, kernel, root, uki, sbom } = release;
  const folder = output.replace(/\/$/, '');
  const rows = [
    [root.file, formatBytes(root.size), `root hash ${root.rootHash}`],
    [uki.file, formatBytes(uki.size), `kernel ${kernel.version}`],
    [sbom.file, formatBytes(sbom.size), `${sbom.packages} packages`],
    ...formats.map((format) => [
      diskFileName(format),
      '',
      format === 'iso' ? 'boots by UEFI, from a CD or a USB stick' : 'boots by UEFI',
    ]),
  ];
  return [
    `${name} ${version} is in ${folder}, made in ${seconds.toFixed(1)} s`,
    indent(table(rows)),
    ...bootText(folder, formats),
  ].join('\n');
}

function bootText(folder: string, [format]: readonly MediaFormat[]): string[] {
  if (format === undefined) {
    return [
      'A disk to boot is made along with it by `--format qcow2` or `--format raw`, an ISO by `--format iso`.',
    ];
  }
  const file = `${folder}/${diskFileName(format)}`;
  const disk = format === 'iso' ? `-cdrom ${file}` : `-drive file=${file},format=${format},if=virtio`;
  return [
    'Boot it in a virtual machine:',
    `  qemu-system-x86_64 -machine q35,accel=kvm:tcg -m 2G -bios /usr/share/ovmf/OVMF.fd ${disk}`,
  ];
}
