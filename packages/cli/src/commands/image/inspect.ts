import { formatBytes, toText } from '@cairn/bytes';
import { configPlatform, formatPlatform, type Image, openImage } from '@cairn/oci';
import { inspectTree, type OsFacts } from '@cairn/release';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { openDoors } from '../../image/doors.ts';
import { openFiles, rootPath } from '../../image/files.ts';
import { layerProgress } from '../../image/layer-progress.ts';
import { type ImageOptions, parseImage, withImageOptions } from '../../options/image.ts';
import type { Answer } from '../../output/reporter.ts';
import { printable, table } from '../../output/text.ts';
import type { Session } from '../../session.ts';

interface InspectOptions extends ImageOptions {
  readonly system?: boolean;
}

const EXAMPLES = [
  'cairn image inspect debian:13',
  'cairn image inspect --system oci:my-os',
  'cairn image inspect out/root.erofs',
];

export function inspectCommand(commands: CommandLine): Command {
  const command = commands
    .working('inspect', 'what an image says of itself, and what a build would find in it', EXAMPLES)
    .argument('<image>', 'an image, a root.erofs, or a release folder')
    .option('--system', 'read the layers too: distribution, kernels, init, framework');
  return withImageOptions(command).action(
    commands.action((session, { args }) => inspect(session, command.opts(), args[0])),
  );
}

async function inspect(session: Session, options: InspectOptions, name = ''): Promise<void> {
  const isRoot = (await rootPath(session, name)) !== undefined;
  const answers: Answer[] = [];
  if (!isRoot) answers.push(await inspectImage(session, options, name));
  if (isRoot || options.system) answers.push(await inspectSystem(session, options, name));
  session.report.answer({
    data: Object.assign({}, ...answers.map(({ data }) => data)) as object,
    text: answers.map(({ text }) => text).join('\n'),
  });
}

async function inspectImage(session: Session, options: InspectOptions, name: string): Promise<Answer> {
  const { report, signal } = session;
  const { platform } = options;
  const reference = parseImage(name);
  await using doors = openDoors(session, options);
  const onProgress = layerProgress(report);
  await using image = await openImage(reference, doors, { platform, name, signal, onProgress });
  return imageAnswer(image);
}

function imageAnswer(image: Image): Answer {
  const { digest, config, layers } = image;
  const platform = configPlatform(config);
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  const data = {
    name: image.name,
    digest,
    platform: platform && formatPlatform(platform),
    created: config.created,
    labels: Object.fromEntries(config.labels),
    size,
    layers: layers.map(({ digest, diffId, mediaType, size }) => ({ digest, diffId, mediaType, size })),
  };
  const rows = [
    ['image:', printable(image.name)],
    ['digest:', digest],
    ['platform:', printable(data.platform ?? 'it does not say')],
    ['created:', printable(config.created ?? 'it does not say')],
    ...[...config.labels].map(([key, value]) => ['label:', printable(`${key}=${value}`)]),
    ['size:', `${formatBytes(size)} in ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`],
    ...layers.map((layer) => ['layer:', `${layer.digest}  ${formatBytes(layer.size)}`]),
  ];
  return { data, text: table(rows) };
}

async function inspectSystem(session: Session, options: InspectOptions, name: string): Promise<Answer> {
  await using files = await openFiles(session, name, options);
  return systemAnswer(await inspectTree(files.root, { signal: session.signal }));
}

function systemAnswer({ osRelease, architecture, init, kernels, framework }: OsFacts): Answer {
  const kernelList = kernels.map(({ version, modules }) => ({ version, modules: modules !== undefined }));
  const data = {
    system: {
      id: osRelease.id,
      name: osRelease.prettyName,
      version: osRelease.versionId,
      architecture,
      kernels: kernelList,
      init: init && { kind: init.kind, path: toText(init.path) },
      framework,
    },
  };
  const rows = [
    ['system:', printable(osRelease.prettyName)],
    ['machine:', architecture ?? 'not known'],
    ...(kernels.length === 0 ? [['kernel:', 'none']] : []),
    ...kernelList.map(({ version, modules }) => [
      'kernel:',
      printable(modules ? version : `${version}, without modules`),
    ]),
    ['init:', init === undefined ? 'none' : printable(`${init.kind}, ${toText(init.path)}`)],
    ['framework:', framework === undefined ? 'none: it is not converted' : printable(framework.version)],
  ];
  return { data, text: table(rows) };
}
