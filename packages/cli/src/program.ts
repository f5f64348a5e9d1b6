import type { Host } from '@cairn/host';
import { CommanderError } from 'commander';
import { CommandLine } from './command-line.ts';
import { COMMANDS } from './commands/index.ts';
import { EXIT_FAILURE, EXIT_USAGE, reportOf } from './errors/report.ts';
import { chooseReporter, outputFlags } from './output/choose.ts';
import type { TextStream } from './output/reporter.ts';
import type { ByteStream, Session } from './session.ts';
import { VERSION } from './version.ts';

/** What a run gets from its process. */
export interface Surroundings {
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly stdout: ByteStream & TextStream;
  readonly stderr: TextStream;
}

const ABOUT = 'Turns a Linux container image into an immutable, verified operating system.';
const MORE = `
Images are named as container engines name them (debian:13, ghcr.io/x/y@sha256:...), or by where they are:
oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, dir:ROOTFS, tar:FILE.

More on a command: cairn COMMAND --help`;

/** Runs the program with its arguments. Whatever goes wrong is told, and becomes the exit code. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { host, signal, stdout } = surroundings;
  const { environment, clock } = host;
  const wanted = argv.find((word) => !word.startsWith('-'));
  const report = chooseReporter(surroundings, {
    ...outputFlags(argv, environment),
    command: wanted ?? '',
    environment,
    now: () => clock.monotonic(),
  });
  const session: Session = { host, report, signal, stdout };
  try {
    const commands = new CommandLine(session);
    await parse(commands, argv, wanted);
    return commands.healthy ? 0 : EXIT_FAILURE;
  } catch (error) {
    // Help and version come as errors too.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    // Whatever an abort broke, the abort is what happened.
    const told = reportOf(signal.aborted ? signal.reason : error);
    report.error(told.exitCode === EXIT_USAGE ? withHelpHint(told, wanted) : told);
    return told.exitCode;
  }
}

async function parse(
  commands: CommandLine,
  argv: readonly string[],
  wanted: string | undefined,
): Promise<void> {
  const program = commands
    .command('cairn', ABOUT)
    .version(VERSION, '-V, --version', 'show the version')
    // Or `--version` of a command would be this one.
    .enablePositionalOptions()
    .addHelpText('after', MORE);
  for (const entry of COMMANDS) {
    // Only the command that is wanted is loaded: a small device starts `cairn status` in a fraction of the time.
    const command =
      entry.name === wanted ? await entry.load(commands) : commands.command(entry.name, entry.summary);
    program.addCommand(command);
  }
  if (argv.length === 0) {
    program.outputHelp();
    return;
  }
  await program.parseAsync(argv, { from: 'user' });
}

function withHelpHint<Report extends { readonly hint: string | undefined }>(
  report: Report,
  wanted: string | undefined,
): Report {
  const known = COMMANDS.some(({ name }) => name === wanted);
  return { ...report, hint: report.hint ?? `See \`cairn ${known ? `${wanted} ` : ''}--help\`.` };
}
