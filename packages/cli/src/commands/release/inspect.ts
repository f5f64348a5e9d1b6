import { formatBytes } from '@cairn/bytes';
import { loadRelease, type Release } from '@cairn/release';
import type { Command } from 'commander';
import type { CommandLine } from '../../command-line.ts';
import { printable, table } from '../../output/text.ts';
import type { Session } from '../../session.ts';

const EXAMPLES = ['cairn release inspect out', 'cairn release inspect out --json | jq -r .root.rootHash'];

export function inspectCommand(commands: CommandLine): Command {
  return commands
    .working('inspect', 'show what a release is', EXAMPLES)
    .argument('<folder>', 'the folder that `cairn build` made')
    .action(commands.action((session, { args }) => inspect(session, args[0])));
}

async function inspect({ host, report }: Session, folder = ''): Promise<void> {
  const release = await loadRelease(host.files, folder);
  report.answer({ data: release, text: releaseText(release) });
}

function releaseText(release: Release): string {
  const { name, version, architecture, image, framework, kernel, init, root, uki, sbom } = release;
  const rows = [
    ['release:', `${name} ${version} for ${architecture}`],
    ['image:', `${image.reference ?? image.source}, ${image.digest}`],
    ['kernel:', kernel.image === undefined ? kernel.version : `${kernel.version}, of ${kernel.image.digest}`],
    ['init:', `${init.kind}, ${init.path}`],
    ['framework:', framework.version],
    ['root:', `${formatBytes(root.size)}, ${formatBytes(root.dataSize)} of it files`],
    ['root hash:', root.rootHash],
    ['uki:', `${formatBytes(uki.size)}, sha256:${uki.sha256}`],
    ['sbom:', `${sbom.packages} packages`],
    ['slot:', formatBytes(release.slotSize)],
    ['arguments:', release.commandLine],
  ];
  return table(rows.map((row) => row.map(printable)));
}
