import type { ByteSource } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import type { SweepRelease } from './disk/release.ts';
import { SweepError } from './error.ts';
import type { Prepared } from './prepare.ts';
import { writeState } from './replay.ts';
import { parseStateId } from './states/id.ts';
import type { JudgedState } from './states/sweep.ts';

/** Boots a disk really, and gives the root hash of what has come up; undefined where nothing did. It may change the disk. */
export type BootDisk = (disk: string, signal: AbortSignal) => Promise<string | undefined>;

/** A state that was really booted. */
export interface Comparison {
  readonly state: JudgedState;
  /** The name of the release that came up, or `nothing`, or the root hash of one that nobody knows. */
  readonly booted: string;
  readonly agrees: boolean;
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
      const rootHash = await bootDisk(disk, signal);
      const release = releases.find((each) => each.rootHash === rootHash)?.name;
      const booted = rootHash === undefined ? 'nothing' : (release ?? rootHash);
      yield { state, booted, agrees: isAs(state.verdict.boots, booted) };
    }
  } finally {
    await host.files.remove(disk);
  }
}

/** Of `other` and `recovery` the verdict does not say which release it is. */
function isAs(judged: JudgedState['verdict']['boots'], booted: string): boolean {
  return judged === 'other' || judged === 'recovery' ? booted.startsWith('known-') : booted === judged;
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
