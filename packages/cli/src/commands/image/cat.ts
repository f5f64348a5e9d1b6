import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { chunksOf, fromText } from '@cairn/bytes';
import { lookup } from '@cairn/tree';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { openFiles } from '../../image/files.ts';
import { type ImageOptions, withImageOptions } from '../../options/image.ts';
import type { Session } from '../../session.ts';

const EXAMPLES = [
  'cairn image cat debian:13 /etc/os-release',
  'cairn image cat out/root.erofs /usr/lib/cairn/framework.json',
];

export function catCommand(commands: CommandLine): Command {
  const command = commands
    .working('cat', 'print a file of an image', EXAMPLES)
    .argument('<image>', 'an image, a root.erofs, or a release folder')
    .argument('<path>', 'the file; links are followed as they would be in the running system');
  return withImageOptions(command).action(
    commands.action((session, { args }) => printFile(session, command.opts(), args[0], args[1])),
  );
}

async function printFile(session: Session, options: ImageOptions, image = '', path = ''): Promise<void> {
  const { signal, stdout } = session;
  await using files = await openFiles(session, image, options);
  const found = lookup(files.root, fromText(path))?.inode;
  if (found === undefined) throw new CliError('not-found', `there is no ${path} in ${image}`);
  if (found.kind === 'directory') {
    throw new CliError('wrong-kind', `${path} in ${image} is a folder`, {
      hint: `See what is in it: \`cairn image ls ${image} ${path}\`.`,
    });
  }
  if (found.kind !== 'file') {
    throw new CliError('wrong-kind', `${path} in ${image} is a ${found.kind.replace('-', ' ')}, not a file`);
  }
  await pipeline(Readable.from(chunksOf(found.content, signal)), stdout, { signal, end: false });
}
