import { formatBytes } from '@cairn/bytes';
import { findRelease, pullRelease } from '@cairn/transport';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { openRegistry } from '../../image/doors.ts';
import { type ImageOptions, withImageOptions } from '../../options/image.ts';
import { printable } from '../../output/text.ts';
import type { Session } from '../../session.ts';
import { registryReference } from './reference.ts';

interface PullCommandOptions extends ImageOptions {
  readonly output: string;
}

const EXAMPLES = [
  'cairn release pull ghcr.io/me/os:1.4 -o out',
  'cairn release pull ghcr.io/me/os:1.4 -o out --mirror ghcr.io=cache.site.example',
];

export function pullCommand(commands: CommandLine): Command {
  const command = commands
    .working('pull', 'bring a release from a registry into a folder, verified', EXAMPLES)
    .argument('<reference>', 'a release, or the image that it lies beside')
    .requiredOption('-o, --output <folder>', 'where it goes; must not be there');
  return withImageOptions(command).action(
    commands.action((session, { args: [reference = ''] }) =>
      pull(session, reference, command.opts<PullCommandOptions>()),
    ),
  );
}

async function pull(session: Session, name: string, options: PullCommandOptions): Promise<void> {
  const { host, report, signal } = session;
  const { output, platform } = options;
  await using doors = openRegistry(session, options);
  const found = await findRelease(doors.registry, registryReference(name), { platform, signal });
  if (found === undefined) {
    throw new CliError('not-found', `no release lies beside ${name}`, {
      hint: 'Push one, `cairn release push`, or render the image: `cairn build`.',
    });
  }
  const pulled = await pullRelease(doors.registry, doors.store, host.files, found, output, {
    signal,
    onProgress: report.progress,
  });
  const { release, transferred } = pulled;
  report.summary({
    data: { output, digest: found.digest, release, transferred },
    text: `${printable(release.name)} ${printable(release.version)} is in ${output}, verified; ${formatBytes(transferred)} came`,
  });
}
