import type { Files } from '@cairn/host';
import { parseMountInfo } from '@cairn/host';
import { parseOsRelease } from '@cairn/release';
import { readRootHash } from '../boot/boot.ts';
import { BOOT_RECORD, LIVE_SLOT, UP } from '../boot/places.ts';
import { parseBootRecord } from '../boot/record.ts';
import { AgentError } from '../error.ts';

/** What a node says of itself. */
export interface NodeStatus {
  /** PRETTY_NAME of the image's os-release. */
  readonly system: string;
  readonly kernel: string;
  readonly slot: string;
  readonly rootHash: string;
  /** The root is EROFS on a dm-verity device, mounted read-only: looked up, not assumed. */
  readonly verified: boolean;
  readonly persistent: boolean;
  /** Booted from a live medium: everything that is written is in memory. */
  readonly live: boolean;
  /** Seconds from the kernel's start until this boot had come up; undefined while it has not. */
  readonly upAfter: number | undefined;
  readonly problems: readonly string[];
}

export async function readStatus(files: Files): Promise<NodeStatus> {
  const record = parseBootRecord((await files.readText(BOOT_RECORD)) ?? '');
  if (record === undefined) {
    throw new AgentError('not-a-node', 'this machine was not booted by Cairn', {
      hint: 'run this on a node; on a workstation, `cairn release inspect DIR` tells of a release',
    });
  }
  const rootHash = readRootHash((await files.readText('/proc/cmdline')) ?? '');
  const problems = [...record.problems];
  const verified = await isVerified(files);
  if (!verified) problems.push('the root is not an EROFS on dm-verity, mounted read-only');
  if (rootHash !== record.rootHash)
    problems.push('the boot record is of another root than the one that runs');
  const up = Number.parseFloat((await files.readText(UP)) ?? '');
  return {
    system: await systemName(files),
    kernel: ((await files.readText('/proc/sys/kernel/osrelease')) ?? '').trim(),
    slot: record.slot,
    rootHash,
    verified,
    persistent: record.persistent,
    live: record.slot === LIVE_SLOT,
    upAfter: Number.isFinite(up) ? up : undefined,
    problems,
  };
}

async function systemName(files: Files): Promise<string> {
  return parseOsRelease((await files.read('/etc/os-release')) ?? new Uint8Array()).prettyName;
}

/**
 * Of the two read-only flags the file system's is what counts: root can change the mount's own, to no effect.
 *
 * The device-mapper device behind `/` has a UUID that begins with CRYPT-VERITY when it was set up by verity (libcryptsetup).
 */
async function isVerified(files: Files): Promise<boolean> {
  const mounts = parseMountInfo((await files.readText('/proc/self/mountinfo')) ?? '');
  const root = mounts.findLast((mount) => mount.target === '/');
  if (root === undefined || root.type !== 'erofs' || !root.superOptions.includes('ro')) return false;
  const uuid = await files.readText(`/sys/dev/block/${root.device}/dm/uuid`);
  return uuid?.startsWith('CRYPT-VERITY-') ?? false;
}
