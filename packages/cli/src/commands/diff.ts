import { type ByteString, compareBytes, formatBytes, toText } from '@cairn/bytes';
import { diffPackages, diffTrees, type FileDiff, type PackageDiff, readPackages } from '@cairn/release';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { openFiles } from '../image/files.ts';
import { type ImageOptions, withImageOptions } from '../options/image.ts';
import { printable, table } from '../output/text.ts';
import type { Session } from '../session.ts';

interface DiffOptions extends ImageOptions {
  readonly files?: boolean;
}

const EXAMPLES = [
  'cairn diff out-1.3 out-1.4',
  'cairn diff ghcr.io/me/os:1.3 ghcr.io/me/os:1.4 --files',
  "cairn diff debian:13.0 debian:13.1 --json | jq '.packages.changed'",
];

export function diffCommand(commands: CommandLine): Command {
  const command = commands
    .working('diff', 'what is different between two images or releases: packages, files, sizes', EXAMPLES)
    .argument('<before>', 'an image, a root.erofs, or a release folder')
    .argument('<after>', 'another one')
    .option('--files', 'each file too, not only how many');
  return withImageOptions(command).action(
    commands.action((session, { args: [before = '', after = ''] }) =>
      diff(session, command.opts<DiffOptions>(), before, after),
    ),
  );
}

async function diff(session: Session, options: DiffOptions, before: string, after: string): Promise<void> {
  const { report, signal } = session;
  await using old = await openFiles(session, before, options);
  await using next = await openFiles(session, after, options);
  const [was, is] = [await readPackages(old.root, { signal }), await readPackages(next.root, { signal })];
  for (const warning of [...was.warnings, ...is.warnings]) report.warning(printable(warning));
  const packages = diffPackages(was.packages, is.packages);
  const files = await diffTrees(old.root, next.root, signal);
  report.answer({
    data: { packages, files: plainFiles(files) },
    text: [packagesText(packages), '', filesText(files, options.files === true)].join('\n'),
  });
}

function packagesText({ added, removed, changed, same }: PackageDiff): string {
  const rows = [
    ...changed.map(({ name, before, after }) => ['~', name, before, after]),
    ...added.map(({ name, version }) => ['+', name, '', version]),
    ...removed.map(({ name, version }) => ['-', name, version, '']),
  ].map((row) => row.map(printable));
  const head = `packages: ${changed.length} changed, ${added.length} added, ${removed.length} removed, ${same} the same`;
  return rows.length === 0 ? head : `${head}\n${table(rows)}`;
}

function filesText(files: FileDiff, each: boolean): string {
  const { added, removed, changed, same } = files;
  const bytes = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);
  const rows = [
    ['changed', changed.length, formatBytes(bytes(changed.map(({ sizes: [, size] }) => size)))],
    ['added', added.length, formatBytes(bytes(added.map(({ size }) => size)))],
    ['removed', removed.length, formatBytes(bytes(removed.map(({ size }) => size)))],
    ['the same', same, ''],
  ];
  const head = `files:\n${table(rows)}`;
  return each ? `${head}\n${fileLines(files).join('\n')}` : head;
}

function fileLines({ added, removed, changed }: FileDiff): string[] {
  const lines: [ByteString, string][] = [
    ...added.map(({ path, size }): [ByteString, string] => [path, `+ ${shown(path)}  ${formatBytes(size)}`]),
    ...removed.map(({ path, size }): [ByteString, string] => [
      path,
      `- ${shown(path)}  ${formatBytes(size)}`,
    ]),
    ...changed.map(({ path, aspects, sizes: [before, after] }): [ByteString, string] => {
      const grown = before === after ? '' : `  ${formatBytes(before)} to ${formatBytes(after)}`;
      return [path, `~ ${shown(path)}  ${aspects.join(', ')}${grown}`];
    }),
  ];
  return lines.toSorted(([a], [b]) => compareBytes(a, b)).map(([, line]) => line);
}

function shown(path: ByteString): string {
  return printable(toText(path));
}

/** Paths as texts, for JSON. */
function plainFiles({ added, removed, changed, same }: FileDiff): object {
  const plain = <T extends { readonly path: ByteString }>(files: readonly T[]) =>
    files.map((file) => ({ ...file, path: toText(file.path) }));
  return { added: plain(added), removed: plain(removed), changed: plain(changed), same };
}
