import { CairnError } from '@cairn/bytes';
import type { EarlyHost } from '@cairn/host';
import { addAttempt } from '../state/attempt.ts';
import { STATE_FOLDER } from '../state/names.ts';
import { type Glimpse, peekState } from './peek.ts';
import { LIVE_SLOT, SENTINELS, TRIAL, UNSETTLED } from './places.ts';

/** Which of Kairos's sentinels this boot has. */
export type Mode = 'active_mode' | 'passive_mode' | 'recovery_mode' | 'live_mode';

export interface Booted {
  /** Where the root is mounted. */
  readonly root: string;
  readonly rootHash: string;
  /** The label of its slot. */
  readonly slot: string;
}

/**
 * Marks, for those who come after, what kind of boot this is: one on trial, one after something was left undone, and in which
 * mode. A boot on trial is noted in the node's state, so that one of which nothing more is heard is known of.
 *
 * A boot of a release that is good, with nothing left undone, only reads.
 */
export async function markBoot(host: EarlyHost, booted: Booted, problems: string[]): Promise<void> {
  const { files } = host;
  const folder = booted.root + STATE_FOLDER;
  const glimpse = await peekState(files, folder);
  const fixed = FIXED_MODES[booted.slot];
  const onTrial =
    fixed === undefined && [glimpse.pending, glimpse.unfinishedRelease].includes(booted.rootHash);
  if (onTrial) {
    await noteAttempt(host, folder, problems);
    await files.write(TRIAL, `${booted.rootHash}\n`);
    // What a panic leaves behind is kept by the firmware from here on. Kernels without it go on without it.
    await host.programs.run(['modprobe', '--quiet', 'efi_pstore']);
  }
  if (glimpse.unfinished || (glimpse.pending !== undefined && !onTrial)) await files.write(UNSETTLED, '');
  await files.makeDirectory(SENTINELS);
  await files.write(`${SENTINELS}/${fixed ?? modeOf(glimpse, onTrial)}`, '1\n');
}

/** Of the sentinels those that follow from where the root is. */
const FIXED_MODES: Readonly<Record<string, Mode>> = {
  [LIVE_SLOT]: 'live_mode',
  'cairn-recovery': 'recovery_mode',
};

function modeOf({ pending, fellBack }: Glimpse, onTrial: boolean): Mode {
  if (onTrial) return 'active_mode';
  return pending !== undefined || fellBack ? 'passive_mode' : 'active_mode';
}

/** That it cannot be noted makes the boot no worse: the loader counts it all the same. */
async function noteAttempt(host: EarlyHost, folder: string, problems: string[]): Promise<void> {
  try {
    await addAttempt(host, { reached: 'initrd' }, folder);
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    problems.push(`this boot could not be noted: ${error.message}`);
  }
}
