import { join } from 'node:path';
import {
  describePlan,
  folderSource,
  type NodeFacts,
  PERSISTENT,
  refreshRecovery,
  type UpgradeResult,
  type UpgradeSource,
  upgrade,
} from '@cairn/agent';
import { openImage } from '@cairn/oci';
import { RELEASE_FILES, renderRelease } from '@cairn/release';
import { type FoundRelease, findRelease, pullRelease } from '@cairn/transport';
import type { Command } from 'commander';
import type { CommandLine } from '../command-line.ts';
import { CliError } from '../errors/error.ts';
import { openDoors, openRegistry } from '../image/doors.ts';
import { type ImageOptions, parseImage, withImageOptions } from '../options/image.ts';
import { printable } from '../output/text.ts';
import type { Session } from '../session.ts';
import { VERSION } from '../version.ts';
import { openInput } from './build.ts';

interface UpgradeOptions extends ImageOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly allowDowngrade?: boolean;
  readonly recovery?: boolean;
}

const EXAMPLES = [
  'cairn upgrade ghcr.io/me/os:1.4',
  'cairn upgrade /mnt/release',
  'cairn upgrade oci:/mnt/my-os --dry-run',
];

/** What of a release has come stays until it is whole, also over a cut of power. */
const TRANSFER = `${PERSISTENT}/work/transfer`;

/** On the persistent partition: an image is unpacked and rendered there, and nothing of it stays. */
const WORK = `${PERSISTENT}/work/upgrade`;

export function upgradeCommand(commands: CommandLine): Command {
  const command = commands
    .working('upgrade', 'put a release into this node’s other slot, to be booted next', EXAMPLES)
    .argument('[source]', 'a release’s folder, a release in a registry, or a converted image')
    .option('--recovery', 'make what runs the recovery release, in place of a source')
    .option('--dry-run', 'print the plan; neither slots nor the boot loader are touched')
    .option('--force', 'install a release that has failed on this node before')
    .option('--allow-downgrade', 'install a release that is older than the one that runs');
  return withImageOptions(command).action(
    commands.action((session, { args: [source] }) => {
      const options = command.opts<UpgradeOptions>();
      if ((options.recovery === true) === (source !== undefined)) {
        throw new CliError('usage', 'give either a source, or `--recovery`');
      }
      return source === undefined ? refresh(session, options) : upgradeNode(session, options, source);
    }),
  );
}

async function refresh({ host, report, signal }: Session, { dryRun }: UpgradeOptions): Promise<void> {
  const result = await refreshRecovery(host, { dryRun, signal, onProgress: report.progress });
  const { plan, done } = result;
  if (plan === undefined) {
    report.summary({ data: result, text: 'What runs is the recovery release already.' });
  } else if (done) {
    report.summary({ data: result, text: `${printable(plan.summary)}: done` });
  } else {
    report.answer({ data: result, text: describePlan(plan).split('\n').map(printable).join('\n') });
  }
}

async function upgradeNode(session: Session, options: UpgradeOptions, source: string): Promise<void> {
  const { host, report, signal } = session;
  const { dryRun, force, allowDowngrade } = options;
  const started = host.clock.monotonic();
  const isFolder = await isRelease(session, source);
  const open = async (node: NodeFacts) => {
    if (isFolder) return folderSource(source);
    return (
      (await releaseSource(session, options, source)) ?? (await imageSource(session, options, source, node))
    );
  };
  const request = { dryRun, force, allowDowngrade, signal, onProgress: report.progress };
  const result = await upgrade(host, open, request);
  if (!result.done) {
    report.answer({ data: result, text: describePlan(result.plan).split('\n').map(printable).join('\n') });
    return;
  }
  const seconds = (host.clock.monotonic() - started) / 1000;
  report.summary({ data: { ...result, seconds }, text: summaryText(result, seconds) });
}

function summaryText({ plan }: UpgradeResult, seconds: number): string {
  return [
    `${printable(plan.summary)}: done in ${seconds.toFixed(1)} s`,
    'The next boot takes it, on trial; what runs now is what it falls back to.',
  ].join('\n');
}

/** What is written like a path is one. */
async function isRelease({ host }: Session, source: string): Promise<boolean> {
  if (/^(?:\.{0,2}\/|\.{1,2}$)/.test(source)) return true;
  return (await host.files.stat(join(source, RELEASE_FILES.description)))?.kind === 'file';
}

/** A release in a registry, by itself or beside the image that is named; undefined where there is none. */
async function releaseSource(
  session: Session,
  options: UpgradeOptions,
  name: string,
): Promise<UpgradeSource | undefined> {
  const reference = parseImage(name);
  if (reference.kind !== 'registry') return undefined;
  const { signal, report } = session;
  const { files } = session.host;
  const doors = openRegistry(session, options, TRANSFER);
  let found: FoundRelease | undefined;
  try {
    found = await findRelease(doors.registry, reference, { platform: options.platform, signal });
  } finally {
    if (found === undefined) await doors[Symbol.asyncDispose]();
  }
  if (found === undefined) return undefined;
  const release = found;
  return {
    imageDigest: release.artifact.subject?.digest,
    // Its root is held against the root hash as it is unpacked.
    madeHere: true,
    async folder() {
      const out = join(WORK, 'release');
      await files.remove(WORK);
      await files.makeDirectory(WORK, 0o700);
      await pullRelease(doors.registry, doors.store, files, release, out, {
        signal,
        onProgress: report.progress,
      });
      await files.remove(TRANSFER);
      return out;
    },
    async [Symbol.asyncDispose]() {
      await doors[Symbol.asyncDispose]();
      await files.remove(WORK);
    },
  };
}

/**
 * An image is rendered into a folder first, not into the slot at once: so all that may be wrong with it is known, its root
 * hash and the size of its UKI included, while the slot still holds the release that could be gone back to.
 */
async function imageSource(
  session: Session,
  options: UpgradeOptions,
  name: string,
  node: NodeFacts,
): Promise<UpgradeSource> {
  const { files } = session.host;
  const { signal, report } = session;
  // What a run that was killed has left; the node is locked.
  await files.remove(WORK);
  await files.makeDirectory(WORK, 0o700);
  const imageOptions = { ...options, cache: false };
  return {
    imageDigest: await digestOf(session, imageOptions, name),
    madeHere: true,
    async folder() {
      const out = join(WORK, 'release');
      await using input = await openInput(session, imageOptions, name, WORK);
      const { warnings } = await renderRelease(
        input,
        { files },
        {
          out,
          architecture: options.platform.architecture,
          commandLine: node.commandLine,
          tool: `cairn-${VERSION}`,
          signal,
          onProgress: report.progress,
        },
      );
      for (const warning of warnings) report.warning(warning);
      return out;
    },
    [Symbol.asyncDispose]: () => files.remove(WORK),
  };
}

/** Of images whose digest is known before they are fetched whole. */
async function digestOf(session: Session, options: ImageOptions, name: string): Promise<string | undefined> {
  const reference = parseImage(name);
  if (reference.kind === 'directory' || reference.kind === 'tar' || reference.kind === 'docker-archive')
    return undefined;
  await using doors = openDoors(session, options, WORK);
  await using image = await openImage(reference, doors, {
    platform: options.platform,
    name,
    signal: session.signal,
  });
  return image.digest;
}
