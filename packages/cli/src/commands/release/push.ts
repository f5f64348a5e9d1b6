import { formatBytes } from '@cairn/bytes';
import { cacheFolder } from '@cairn/host';
import { LEVELS, pushRelease } from '@cairn/transport';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { openRegistry } from '../../image/doors.ts';
import { collect } from '../../options/image.ts';
import { printable } from '../../output/text.ts';
import type { Session } from '../../session.ts';
import { registryReference } from './reference.ts';

interface PushCommandOptions {
  readonly level: string;
  readonly plainHttp?: readonly string[];
}

const EXAMPLES = [
  'cairn release push out ghcr.io/me/os:1.4',
  'cairn release push out localhost:5000/os:1.4 --plain-http localhost:5000 --level 3',
];

export function pushCommand(commands: CommandLine): Command {
  const command = commands
    .working('push', 'put a release into a registry, beside the image that it was made of', EXAMPLES)
    .argument('<folder>', 'the folder that `cairn build` made')
    .argument('<reference>', 'the image’s tag, or one that nothing has yet')
    .option(
      '--level <number>',
      `how hard it is packed: ${LEVELS.least} to ${LEVELS.most}`,
      String(LEVELS.usual),
    )
    .option('--plain-http <host>', 'speak plain http to this registry (repeatable)', collect);
  return command.action(
    commands.action((session, { args: [folder = '', reference = ''] }) =>
      push(session, folder, reference, command.opts<PushCommandOptions>()),
    ),
  );
}

async function push(
  session: Session,
  folder: string,
  name: string,
  { level, plainHttp }: PushCommandOptions,
): Promise<void> {
  const { host, report, signal } = session;
  await using doors = openRegistry(session, {
    cache: true,
    ...(plainHttp === undefined ? {} : { plainHttp }),
  });
  const reference = registryReference(name);
  const pushed = await pushRelease(doors.registry, host.files, folder, reference, {
    level: levelOf(level),
    workFolder: `${cacheFolder(host.environment)}/work`,
    signal,
    onProgress: report.progress,
  });
  const { release, digest, subject, transferred } = pushed;
  const place = `${reference.registry}/${reference.repository}`;
  const beside = subject === undefined ? '' : `, beside the image ${subject}`;
  report.summary({
    data: { reference: `${place}@${digest}`, digest, subject, transferred },
    text: `${printable(release.name)} ${printable(release.version)} is at ${place}@${digest}${beside}; ${formatBytes(transferred)} were sent`,
  });
}

function levelOf(text: string): number {
  const level = Number(text);
  if (Number.isInteger(level) && level >= LEVELS.least && level <= LEVELS.most) return level;
  throw new CliError('usage', `--level ${text}: use ${LEVELS.least} to ${LEVELS.most}`);
}
