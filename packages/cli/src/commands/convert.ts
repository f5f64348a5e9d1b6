import { dirname, resolve } from 'node:path';
import { formatBytes } from '@cairn/bytes';
import { type LocalReference, openImage, openTree, writeLayout } from '@cairn/oci';
import { inspectTree } from '@cairn/release';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { CliError } from '../errors/error.ts';
import { openDoors } from '../image/doors.ts';
import { layerDigest, openFramework } from '../image/framework.ts';
import { layerProgress } from '../image/layer-progress.ts';
import { type ImageOptions, parseImage, withImageOptions } from '../options/image.ts';
import { printable } from '../output/text.ts';
import type { Session } from '../session.ts';

interface ConvertOptions extends ImageOptions {
  readonly output: LocalReference;
  readonly framework?: string;
  readonly force?: boolean;
}

const EXAMPLES = [
  'cairn convert debian-os:13 -o oci:converted',
  'cairn convert tar:rootfs.tar -o oci:converted:1.4',
];

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+zstd';

export function convertCommand(commands: CommandLine): Command {
  const command = commands
    .working('convert', 'put the framework layer on a container image, so that it can boot', EXAMPLES)
    .argument('<image>', 'the image; nothing of it is run')
    .requiredOption('-o, --output <oci:folder[:tag]>', 'a new OCI image layout', parseOutput)
    .option('--framework <file>', 'the framework layer')
    .option('--force', 'put the layer on an image that has one already');
  return withImageOptions(command).action(
    commands.action((session, { args }) => convert(session, command.opts(), args[0])),
  );
}

function parseOutput(text: string): LocalReference {
  const reference = parseImage(text);
  if (reference.kind === 'oci-layout') return { ...reference, kind: reference.kind };
  throw new CliError('usage', `"${text}" is not an OCI image layout`, {
    hint: 'Write oci:FOLDER or oci:FOLDER:TAG.',
  });
}

async function convert(session: Session, options: ConvertOptions, name = ''): Promise<void> {
  const { host, report, signal } = session;
  const { platform, output } = options;
  const folder = resolve(output.path);
  const reference = parseImage(name);
  await using doors = openDoors(session, options, dirname(folder));
  await using image = await openImage(reference, doors, {
    platform,
    name,
    signal,
    onProgress: layerProgress(report),
  });
  // Every layer is unpacked, and so checked, before it becomes a part of something new.
  await using tree = await openTree(image, { signal, onProgress: layerProgress(report, image) });
  const { framework: present } = await inspectTree(tree.root, { signal });
  if (present !== undefined && !options.force) {
    throw new CliError('already-converted', `${name} has the framework layer ${present.version} already`, {
      hint: 'It can be built as it is. `--force` puts the layer on top of the old one.',
    });
  }
  await using framework = await openFramework(session, doors, options);
  const { file, layer, description } = framework;
  const written = await writeLayout(
    folder,
    image,
    {
      extraLayers: [
        {
          blob: file,
          digest: `sha256:${await layerDigest(framework, signal)}`,
          size: file.size,
          mediaType: LAYER_TYPE,
          diffId: layer.diffId,
          createdBy: `cairn convert (framework ${description.version})`,
        },
      ],
      labels: new Map([
        ['cairn.framework.version', description.version],
        ['cairn.framework.digest', description.digest],
      ]),
      ...(output.tag === undefined ? {} : { tag: output.tag }),
    },
    { files: host.files },
    { signal, onProgress: layerProgress(report, image) },
  );
  report.summary({
    data: { folder, tag: output.tag, digest: written.digest, framework: description },
    text: [
      `oci:${output.path}${output.tag === undefined ? '' : `:${output.tag}`} is ${name} with the framework layer ${printable(description.version)} (${formatBytes(file.size)})`,
      `  digest ${written.digest}`,
    ].join('\n'),
  });
}
