import { join } from 'node:path';
import { type ByteSource, chunksOf, formatBytes, readExactly, sha256OfStream } from '@cairn/bytes';
import { DiskError, readUki, verifyVerity } from '@cairn/disk';
import { loadRelease, type Release } from '@cairn/release';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { CliError } from '../../errors/error.ts';
import { indent, table } from '../../output/text.ts';
import type { Session } from '../../session.ts';

const EXAMPLES = ['cairn release verify out'];
const HINT = 'It was changed or damaged: render the release again.';

export function verifyCommand(commands: CommandLine): Command {
  return commands
    .working('verify', 'read a release whole, and check that it is what it says', EXAMPLES)
    .argument('<folder>', 'the folder that `cairn build` made')
    .action(commands.action((session, { args }) => verify(session, args[0])));
}

async function verify(session: Session, folder = ''): Promise<void> {
  const release = await loadRelease(session.host.files, folder);
  await verifyRoot(session, folder, release);
  await verifyDigest(session, folder, release.uki);
  await verifyDigest(session, folder, release.sbom);
  await verifyCommandLine(session, folder, release);
  const { root, uki, sbom } = release;
  const rows = [
    [root.file, formatBytes(root.size), `root hash ${root.rootHash}`],
    [uki.file, formatBytes(uki.size), `sha256 ${uki.sha256}, boots with that root hash`],
    [sbom.file, formatBytes(sbom.size), `sha256 ${sbom.sha256}`],
  ];
  session.report.answer({
    data: { verified: true, rootHash: root.rootHash, uki: uki.sha256, sbom: sbom.sha256 },
    text: `${folder} is whole\n${indent(table(rows))}`,
  });
}

async function verifyRoot(
  { host, report, signal }: Session,
  folder: string,
  { root }: Release,
): Promise<void> {
  const path = join(folder, root.file);
  await using file = await host.files.open(path, 'read');
  const progress = (done: number) => report.progress({ phase: 'root', done, total: root.dataSize });
  try {
    await verifyVerity(watched(file, root.dataSize, progress), root.rootHash, {
      hashOffset: root.hashOffset,
      signal,
    });
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause;
    throw new CliError('not-verified', `${path}: ${cause.message}`, { hint: HINT, cause });
  }
}

/** A source that tells how far into its first `size` bytes it was read. */
function watched(source: ByteSource, size: number, onRead: (done: number) => void): ByteSource {
  return {
    size: source.size,
    read(position, target, signal) {
      if (position < size) onRead(Math.min(size, position + target.length));
      return source.read(position, target, signal);
    },
  };
}

async function verifyDigest(
  { host, signal, report }: Session,
  folder: string,
  { file, sha256 }: { readonly file: string; readonly sha256: string },
): Promise<void> {
  const path = join(folder, file);
  report.progress({ phase: file });
  await using source = await host.files.open(path, 'read');
  const found = await sha256OfStream(chunksOf(source, signal));
  if (found === sha256) return;
  throw new CliError('not-verified', `${path} has the SHA-256 ${found}, the release says ${sha256}`, {
    hint: HINT,
  });
}

/** The root hash that is booted is the one in the UKI: it must be the release's. */
async function verifyCommandLine({ host, signal }: Session, folder: string, release: Release): Promise<void> {
  const path = join(folder, release.uki.file);
  await using file = await host.files.open(path, 'read');
  const { sections } = await readUki(file, { signal });
  const section = sections.find(({ name }) => name === '.cmdline');
  const bytes = section && (await readExactly(file, section.offset, section.size, signal));
  const found = new TextDecoder().decode(bytes).replace(/\0+$/, '');
  const boots = found === release.commandLine && found.includes(`roothash=${release.root.rootHash} `);
  if (boots) return;
  throw new CliError(
    'not-verified',
    `${path} does not boot the release's root: its command line is another`,
    {
      hint: HINT,
    },
  );
}
