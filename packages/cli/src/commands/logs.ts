import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { bundleLogs } from '@cairn/agent';
import { formatBytes } from '@cairn/bytes';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { CliError } from '../errors/error.ts';
import type { Session } from '../session.ts';

const EXAMPLES = ['cairn logs', 'cairn logs --output /tmp/node-7.tar.gz'];

export function logsCommand(commands: CommandLine): Command {
  const command = commands
    .working('logs', 'gather what tells from afar what is wrong with this node, without secrets', EXAMPLES)
    .option('-o, --output <file>', 'where the .tar.gz goes; it must not be there yet');
  return command.action(
    commands.action((session) => run(session, command.opts<{ readonly output?: string }>())),
  );
}

async function run(
  { host, report, signal }: Session,
  { output }: { readonly output?: string },
): Promise<void> {
  const date = new Date(host.clock.now()).toISOString().slice(0, 10);
  const file = resolve(output ?? `cairn-logs-${hostname()}-${date}.tar.gz`);
  if ((await host.files.lstat(file)) !== undefined) {
    throw new CliError('usage', `${file} is there already`, { hint: 'Name another file by --output.' });
  }
  const folder = dirname(file);
  if ((await host.files.stat(folder))?.kind !== 'directory') {
    throw new CliError('usage', `there is no folder ${folder}`, {
      hint: 'Make it, or name another file by --output.',
    });
  }
  const { bytes, parts } = await bundleLogs(host, { signal, onProgress: report.progress });
  // Only for who has made it: names of hosts, users and programs are in it.
  await host.files.replace(file, bytes, 0o600);
  const missing = parts.filter((part) => part.missing !== undefined);
  const rest = missing.length === 0 ? '' : `, ${missing.length} not to be had (manifest.json says why)`;
  report.summary({
    data: { file, size: bytes.length, parts },
    text: `${file}: ${formatBytes(bytes.length)}, ${parts.length - missing.length} parts${rest}`,
  });
}
