import { type ByteString, fromText, toText } from '@cairn/bytes';
import { type Directory, type Found, type Inode, lookup, sortedEntries, walk } from '@cairn/tree';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { openFiles } from '../../image/files.ts';
import { type ImageOptions, withImageOptions } from '../../options/image.ts';
import { printable, table } from '../../output/text.ts';
import type { Session } from '../../session.ts';

interface ListOptions extends ImageOptions {
  readonly long?: boolean;
  readonly recursive?: boolean;
}

const EXAMPLES = [
  'cairn image ls debian:13 /boot',
  'cairn image ls -l out/root.erofs /usr/lib/cairn',
  'cairn image ls -R --json oci:my-os /etc',
];

export function listCommand(commands: CommandLine): Command {
  const command = commands
    .working('ls', 'list the files of an image', EXAMPLES)
    .argument('<image>', 'an image, a root.erofs, or a release folder')
    .argument('[path]', 'a folder or file in it', '/')
    .option('-l, --long', 'mode, owner, size and time too')
    .option('-R, --recursive', 'all that is below, by its whole path');
  return withImageOptions(command).action(
    commands.action((session, { args }) => list(session, command.opts(), args[0], args[1])),
  );
}

async function list(session: Session, options: ListOptions, image = '', path = '/'): Promise<void> {
  await using files = await openFiles(session, image, options);
  const listed = [...select(files.root, path, options.recursive ?? false)];
  if (listed.length === 0 && lookup(files.root, fromText(path)) === undefined) {
    throw new CliError('not-found', `there is no ${path} in ${image}`);
  }
  session.report.answer({
    data: listed.map(({ path: name, inode }) => entryData(name, inode)),
    text: options.long
      ? table(listed.map(({ path: name, inode }) => longRow(name, inode)))
      : listed.map(({ path: name }) => printable(toText(name))).join('\n'),
  });
}

/** A link to a folder stands for the folder, any other file for itself. */
function* select(root: Directory, path: string, recursive: boolean): Generator<Found> {
  const found = lookup(root, fromText(path));
  if (found?.inode.kind === 'directory') {
    if (recursive) yield* below(found.inode, found.path);
    else for (const [name, inode] of sortedEntries(found.inode)) yield { path: name, inode };
    return;
  }
  const itself = lookup(root, fromText(path), { nofollow: true });
  if (itself !== undefined) yield { path: fromText(path), inode: itself.inode };
}

function* below(directory: Directory, prefix: ByteString): Generator<Found> {
  for (const { path, inode } of walk(directory)) {
    if (path !== '/') yield { path: prefix === '/' ? path : `${prefix}${path}`, inode };
  }
}

const LETTERS: Readonly<Record<Inode['kind'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  socket: 's',
};

function longRow(name: ByteString, inode: Inode): (string | number)[] {
  const arrow = inode.kind === 'symlink' ? ` -> ${printable(toText(inode.target))}` : '';
  return [
    modeText(inode),
    inode.uid,
    inode.gid,
    'major' in inode ? `${inode.major}, ${inode.minor}` : sizeOf(inode),
    timeText(inode),
    `${printable(toText(name))}${arrow}`,
  ];
}

/** As ls(1) shows it: `-rwsr-xr-x`. */
function modeText({ kind, mode }: Inode): string {
  const special: readonly (readonly [bit: number, set: string, clear: string])[] = [
    [0o4000, 's', 'S'],
    [0o2000, 's', 'S'],
    [0o1000, 't', 'T'],
  ];
  const triples = special.map(([bit, set, clear], index) => {
    const bits = (mode >> (6 - index * 3)) & 7;
    const execute = bits & 1 ? 'x' : '-';
    const last = mode & bit ? (bits & 1 ? set : clear) : execute;
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  });
  return `${LETTERS[kind]}${triples.join('')}`;
}

function sizeOf(inode: Inode): number {
  if (inode.kind === 'file') return inode.content.size;
  return inode.kind === 'symlink' ? inode.target.length : 0;
}

/** UTC, to the second. Times that no calendar of this language reaches are shown as seconds. */
function timeText({ mtime }: Inode): string {
  const time = new Date(mtime.seconds * 1000);
  return Number.isNaN(time.getTime())
    ? String(mtime.seconds)
    : time.toISOString().slice(0, 19).replace('T', ' ');
}

function entryData(name: ByteString, inode: Inode): object {
  const { kind, mode, uid, gid, mtime } = inode;
  return {
    path: toText(name),
    kind,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size: sizeOf(inode),
    mtime: mtime.seconds + mtime.nanoseconds / 1e9,
    ...(inode.kind === 'symlink' ? { target: toText(inode.target) } : {}),
    ...('major' in inode ? { major: inode.major, minor: inode.minor } : {}),
  };
}
