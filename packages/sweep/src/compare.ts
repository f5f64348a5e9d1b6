import type { ByteSource } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import type { SweepRelease } from './disk/release.ts';
import { SweepError } from './error.ts';
import type { Prepared } from './prepare.ts';
import { writeState } from './replay.ts';
import { parseStateId } from './states/id.ts';
import type { JudgedState } from './states/sweep.ts';

/** What came of a boot: the first release that came up, or `nothing` of the disk, or `stuck`. */
export type Booted =
  | { readonly came: 'nothing' | 'stuck' }
  | {
      readonly came: 'up';
      readonly rootHash: string;
      /** The label of the slot. */
      readonly slot: string;
      /** The files in `loader/entries` afterwards, in lower case and in order. */
      readonly entries: readonly string[];
    };

/** Boots a disk really, which may change it. */
export type BootDisk = (disk: string, signal: AbortSignal) => Promise<Booted>;

/** A state that was really booted. */
export interface Comparison {
  readonly state: JudgedState;
  /** What came up, for people. */
  readonly booted: string;
  /** In what it is not as judged: empty where it is. */
  readonly differences: readonly string[];
}

export interface CompareInput {
  readonly base: string;
  readonly log: ByteSource;
  readonly releases: readonly SweepRelease[];
  /** Where each state's disk is made, one after the other. */
  readonly disk: string;
  readonly bootDisk: BootDisk;
}

/** Makes each state as a disk, boots it, and holds what came up against the verdict. */
export async function* compareBoots(
  host: Host,
  prepared: Prepared,
  states: readonly JudgedState[],
  { base, log, releases, disk, bootDisk }: CompareInput,
  signal: AbortSignal,
): AsyncGenerator<Comparison> {
  try {
    for (const state of states) {
      await makeDisk(host, prepared, state.id, { base, log, disk }, signal);
      yield compare(state, await bootDisk(disk, signal), releases);
    }
  } finally {
    await host.files.remove(disk);
  }
}

function compare(state: JudgedState, booted: Booted, releases: readonly SweepRelease[]): Comparison {
  const { verdict } = state;
  if (booted.came !== 'up') {
    // Where the loader gives up, firmware goes on to what else there is: from without, that is as if it had not been started.
    const agrees = verdict.boots === 'stuck' || verdict.boots === booted.came;
    return { state, booted: booted.came, differences: agrees ? [] : [`judged: ${verdict.boots}`] };
  }
  const { slot, rootHash, entries } = booted;
  const release = releases.find((each) => each.rootHash === rootHash)?.name ?? rootHash;
  const differences = [];
  if (!isRelease(verdict.boots, release)) differences.push(`judged: ${verdict.boots}`);
  else {
    if (verdict.slot !== slot) differences.push(`judged: from ${verdict.slot}`);
    if (verdict.entries.join() !== entries.join()) {
      differences.push(`the loader leaves ${entries.join(', ')}, judged: ${verdict.entries.join(', ')}`);
    }
  }
  return { state, booted: `${release} from ${slot}`, differences };
}

/** Of `recovery` the verdict does not say which release it is. */
function isRelease(judged: JudgedState['verdict']['boots'], release: string): boolean {
  if (judged === 'other') return release.startsWith('known-');
  return judged === 'recovery' || release === judged;
}

/** A copy of the base with what the cut left. Throws SweepError `bad-disk`. */
export async function makeDisk(
  host: Host,
  prepared: Prepared,
  state: string,
  { base, log, disk }: { readonly base: string; readonly log: ByteSource; readonly disk: string },
  signal: AbortSignal,
): Promise<void> {
  const copy = ['cp', '--sparse=always', '--reflink=auto', '--', base, disk];
  const { exitCode, stderr } = await host.programs.run(copy, { signal });
  if (exitCode !== 0) throw new SweepError('bad-disk', `${base} cannot be copied: ${stderr.trim()}`);
  await using file = await host.files.open(disk, 'change');
  await writeState(prepared, parseStateId(state), log, file, signal);
  await file.sync();
}
