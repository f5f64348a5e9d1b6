import { createInterface } from 'node:readline/promises';
import { describeInstallation, type InstallPlan, type InstallResult, install, reboot } from '@cairn/agent';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { CliError } from '../errors/error.ts';
import { printable } from '../output/text.ts';
import type { Session } from '../session.ts';

interface InstallOptions {
  readonly device?: string;
  readonly config?: string;
  readonly source?: string;
  readonly unattended?: boolean;
  readonly auto?: boolean;
  readonly reboot?: boolean;
  readonly poweroff?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = [
  'cairn install --dry-run',
  'cairn install --device /dev/disk/by-id/ata-DISK --config config.yaml',
  'cairn install --device auto --unattended --reboot',
];

const CONFIG_LIMIT = 1 << 20;
const FETCH_LIMIT_MS = 60_000;

export function installCommand(commands: CommandLine): Command {
  const command = commands
    .working('install', 'put the live system, or a release, on a disk, all of which is lost', EXAMPLES)
    .option(
      '--device <disk>',
      'the disk: `auto` (the largest that is empty), a path, or script://PATH, which prints one',
    )
    .option('--config <file>', 'the node’s configuration, a file or a URL, in place of the medium’s')
    .option('--source <folder>', 'a release’s folder, in place of the live medium’s release')
    .option('--unattended', 'ask nothing')
    .option('--auto', 'only if the configuration says `install.auto: true`, and unattended then')
    .option('--reboot', 'reboot when it is done')
    .option('--poweroff', 'switch the machine off when it is done')
    .option('--dry-run', 'print the plan, change nothing');
  return command.action(commands.action((session) => run(session, command.opts())));
}

async function run(session: Session, options: InstallOptions): Promise<void> {
  const { host, report, signal } = session;
  const { device, source, auto, dryRun } = options;
  if (options.reboot === true && options.poweroff === true) {
    throw new CliError('usage', 'a machine cannot be rebooted and switched off: give one of the two');
  }
  const asks = options.unattended !== true && auto !== true && dryRun !== true;
  if (asks && (options.json === true || !process.stdin.isTTY)) {
    throw new CliError('usage', 'there is nobody to ask whether all that the disk holds may be lost', {
      hint: 'Add `--unattended`, or look at the plan by `--dry-run`.',
    });
  }
  const config = options.config === undefined ? undefined : await readConfig(session, options.config);
  const started = host.clock.monotonic();
  const result = await install(host, {
    device,
    source,
    config,
    configName: options.config,
    onlyIfAuto: auto,
    dryRun,
    signal,
    confirm: asks ? confirm : undefined,
    onProgress: report.progress,
    onWarning: report.warning,
  });
  const seconds = (host.clock.monotonic() - started) / 1000;
  tell(session, result, seconds);
  const then =
    options.reboot === true ? 'reboot' : options.poweroff === true ? 'poweroff' : result.afterwards;
  if (result.done && then !== undefined) await reboot(host, { how: then });
}

function tell({ report }: Session, result: InstallResult, seconds: number): void {
  const { plan, done } = result;
  if (plan === undefined) {
    report.summary({ data: result, text: 'The configuration does not ask for an installation.' });
    return;
  }
  if (!done) {
    report.answer({ data: result, text: lines(describeInstallation(plan)) });
    return;
  }
  const text = `${printable(plan.summary)}: done in ${seconds.toFixed(1)} s\nTake the medium out; the next boot is from ${plan.device}.`;
  report.summary({ data: { ...result, seconds }, text });
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** The word has to be written out: a key that is hit by mistake must not cost a disk. */
async function confirm(plan: InstallPlan): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    process.stderr.write(`${lines(describeInstallation(plan))}\n\n`);
    const answer = await terminal.question(`To go on, write ${plan.device}: `);
    return answer.trim() === plan.device;
  } finally {
    terminal.close();
  }
}

/** What begins like a URL is fetched, all else is a file. */
async function readConfig({ host, signal }: Session, place: string): Promise<Uint8Array> {
  if (/^https?:\/\//.test(place)) return fetchConfig(place, signal);
  const bytes = await host.files.read(place, CONFIG_LIMIT);
  if (bytes !== undefined) return bytes;
  throw new CliError('not-found', `there is no configuration ${place}`);
}

async function fetchConfig(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_LIMIT_MS)]);
  let response: Response;
  try {
    response = await fetch(url, { signal: limit });
  } catch (cause) {
    signal.throwIfAborted();
    const { message } =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause : (cause as Error);
    throw new CliError('fetch-failed', `the configuration ${url} cannot be fetched: ${message}`, { cause });
  }
  if (!response.ok || response.body === null) {
    throw new CliError(
      'fetch-failed',
      `the configuration ${url} cannot be fetched: status ${response.status}`,
    );
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body) {
    size += piece.length;
    if (size > CONFIG_LIMIT) {
      throw new CliError('fetch-failed', `the configuration ${url} is larger than ${CONFIG_LIMIT} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
