import type { Recorder, TestRelease } from './node.ts';
import { entryText } from './node.ts';

/** The steps of an upgrade (docs: the commit rule), one by one, so that tests can leave them out and swap them. */
export interface Upgrade {
  readonly recorder: Recorder;
  /** What the idle slot holds. */
  readonly other: TestRelease;
  readonly next: TestRelease;
  readonly otherEntry: string;
  readonly generation: number;
}

export type Step = (upgrade: Upgrade) => Promise<void>;

const IDLE = 'cairn-b';
const WRITE = 32 * 1024;

export const flush: Step = ({ recorder }) => recorder.flush();

export const removeEntry: Step = ({ recorder, otherEntry }) =>
  recorder.remove(`loader/entries/${otherEntry}`);

export const removeUki: Step = async ({ recorder, other }) => {
  await recorder.remove(`EFI/cairn/${other.id}.efi`);
  await recorder.remove(`EFI/cairn/${other.id}.json`);
};

export const zeroTop: Step = ({ recorder, other }) =>
  recorder.writeSlot(IDLE, other.hashOffset, new Uint8Array(8192));

/** All but the header and the top block. */
export const writeData: Step = async ({ recorder, next }) => {
  for (let at = 0; at < next.hashOffset; at += WRITE) {
    await recorder.writeSlot(IDLE, at, next.rootBytes.subarray(at, Math.min(at + WRITE, next.hashOffset)));
  }
  const rest = next.rootBytes.subarray(next.hashOffset + 8192);
  if (rest.length > 0) await recorder.writeSlot(IDLE, next.hashOffset + 8192, rest);
};

export const writeTop: Step = ({ recorder, next }) =>
  recorder.writeSlot(IDLE, next.hashOffset, next.rootBytes.subarray(next.hashOffset, next.hashOffset + 8192));

export const writeJson: Step = async ({ recorder, next }) => {
  await recorder.copyIn(`EFI/cairn/${next.id}.json.new`, '{"formatVersion": 1}');
  await recorder.flush();
  await recorder.rename(`EFI/cairn/${next.id}.json.new`, `EFI/cairn/${next.id}.json`);
};

export const copyUki: Step = ({ recorder, next }) =>
  recorder.copyIn(`EFI/cairn/${next.id}.efi.new`, next.ukiBytes);
export const renameUki: Step = ({ recorder, next }) =>
  recorder.rename(`EFI/cairn/${next.id}.efi.new`, `EFI/cairn/${next.id}.efi`);

export const copyEntry: Step = ({ recorder, next, generation }) =>
  recorder.copyIn(`loader/entries/cairn-${generation}+3.conf.new`, entryText(next, generation));
export const renameEntry: Step = ({ recorder, generation }) =>
  recorder.rename(
    `loader/entries/cairn-${generation}+3.conf.new`,
    `loader/entries/cairn-${generation}+3.conf`,
  );

/** What loader or agent do to the entry's counter. */
export function recount(from: string, to: string): Step {
  return ({ recorder, generation }) =>
    recorder.rename(
      `loader/entries/cairn-${generation}${from}.conf`,
      `loader/entries/cairn-${generation}${to}.conf`,
    );
}

/**
 * What the initrd does to the entry of a release that is in no slot any more (agent, src/boot/doubt.ts). vfat's replace(2) of
 * one name by another is a rename beside it.
 */
export const copyDoubted: Step = ({ recorder, next, generation }) =>
  recorder.copyIn(
    `loader/entries/cairn-${generation}+0-1.conf.1.new`,
    `${entryText(next, generation)}# cairn doubts it: no slot holds it any more\n`,
  );
export const renameDoubted: Step = ({ recorder, generation }) =>
  recorder.rename(
    `loader/entries/cairn-${generation}+0-1.conf.1.new`,
    `loader/entries/cairn-${generation}+0-1.conf`,
  );
export const removeGood: Step = ({ recorder, generation }) =>
  recorder.remove(`loader/entries/cairn-${generation}.conf`);
export const DOUBT: readonly Step[] = [copyDoubted, flush, renameDoubted, flush, removeGood, flush];

export const RETIRE: readonly Step[] = [removeEntry, flush, removeUki, flush, zeroTop, flush];
export const WRITE_SLOT: readonly Step[] = [writeData, flush, writeTop, flush];
export const WRITE_UKI: readonly Step[] = [writeJson, flush, copyUki, flush, renameUki, flush];
export const COMMIT: readonly Step[] = [copyEntry, flush, renameEntry, flush];

/** The whole of an upgrade as it should be. */
export const RIGHT: readonly Step[] = [...RETIRE, ...WRITE_SLOT, ...WRITE_UKI, ...COMMIT];

export async function carryOut(upgrade: Upgrade, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await step(upgrade);
}
