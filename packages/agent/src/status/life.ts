import { CairnError } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import { whyFailed } from '../bless/decide.ts';
import { BOOT_RECORD, LIVE_SLOT } from '../boot/places.ts';
import { parseBootRecord } from '../boot/record.ts';
import { AgentError } from '../error.ts';
import type { LoaderEntry } from '../loader/load.ts';
import { bootOrder, entryOf, isSpent } from '../loader/order.ts';
import { findNodeDisk, partitionOf } from '../node/disk.ts';
import { ESP, isMounted, mountEsp } from '../node/esp.ts';
import { lockHolder, takeLock } from '../node/lock.ts';
import type { Slot } from '../node/slots.ts';
import { idOf, type Survey, surveyNode } from '../node/survey.ts';
import { loadState } from '../state/store.ts';
import type { ActionRecord, Denied, Pending } from '../state/types.ts';

/** A slot and what is known of the release in it. */
export interface SlotStatus {
  readonly label: string;
  readonly booted: boolean;
  /** `unused`: it is there, and the boot loader has no entry for it. */
  readonly state: 'good' | 'pending' | 'bad' | 'empty' | 'unused';
  /** One sentence, for what is not simply good. */
  readonly why?: string;
  readonly name?: string;
  readonly version?: string;
  readonly rootHash?: string;
  /** The digest of its image. */
  readonly image?: string;
}

/** What the boot loader would take, from the order of its entries. */
export interface NextBoot {
  readonly entry: string;
  readonly title: string;
  /** Undefined where no slot holds it: then it would not come up. */
  readonly slot: string | undefined;
  /** Tries that are left; undefined for a release that is good. */
  readonly triesLeft: number | undefined;
}

/** What a node has gone through, and what comes next. */
export interface NodeLife {
  readonly slots: readonly SlotStatus[];
  /** In the loader's order: the first is what a reboot takes, the next what is taken if that fails. */
  readonly boots: readonly NextBoot[];
  readonly pending: Pending | undefined;
  readonly denied: readonly Denied[];
  readonly actions: readonly ActionRecord[];
  /** What is changing the node just now: then slots and boots are not looked at. */
  readonly running: string | undefined;
  readonly problems: readonly string[];
}

/** Looks at slots, loader and state. What cannot be looked at is among the problems. */
export async function readLife(host: Host): Promise<NodeLife> {
  const { state, problems } = await loadState(host.files);
  const base = { pending: state.pending, denied: state.denied, actions: state.actions };
  const nothing = { ...base, slots: [], boots: [], running: undefined };
  try {
    const survey = await look(host);
    if (survey === undefined) return { ...nothing, problems };
    if (typeof survey === 'string') return { ...nothing, running: survey, problems };
    return {
      ...base,
      ...describe(survey),
      running: undefined,
      problems: [...problems, ...survey.loader.problems, ...describeDoubts(survey)],
    };
  } catch (error) {
    if (!(error instanceof CairnError)) throw error;
    return {
      ...nothing,
      problems: [...problems, `slots and boot loader cannot be looked at: ${error.message}`],
    };
  }
}

/** The survey, or what holds the lock; undefined on a live system, which has neither slots nor entries. */
async function look(host: Host): Promise<Survey | string | undefined> {
  if (parseBootRecord((await host.files.readText(BOOT_RECORD)) ?? '')?.slot === LIVE_SLOT) return undefined;
  const device = partitionOf(await findNodeDisk(host.files), 'ESP').device;
  try {
    await using _lock = await takeLock(host, 'status');
    await using esp = await mountEsp(host, device);
    return await surveyNode(host, esp.path);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'locked') throw error;
    if (await isMounted(host)) return surveyNode(host, ESP);
    return (await lockHolder(host)) ?? 'another process';
  }
}

function describe(survey: Survey): Pick<NodeLife, 'slots' | 'boots'> {
  const boots = bootOrder(survey.loader).map((entry) => ({
    entry: entry.file,
    title: entry.text.title,
    slot: slotOf(survey, entry)?.label,
    triesLeft: entry.name.tries?.left,
  }));
  return { slots: survey.slots.map((slot) => describeSlot(survey, slot)), boots };
}

/** Releases that were good and are not, or not surely, booted any more; and where that has led to. */
function describeDoubts(survey: Survey): string[] {
  const { disk, loader } = survey;
  const inRecovery = disk.booted === 'cairn-recovery';
  const entries = loader.entries.filter(({ name }) => name.kind === 'slot');
  const said = entries.flatMap((entry) => {
    const sentence = doubtOf(entry) ?? (inRecovery ? lossOf(survey, entry) : undefined);
    return sentence === undefined ? [] : [`${entry.text.title}, by ${entry.file}, ${sentence}`];
  });
  const boots = entries.some((entry) => !isSpent(entry) && slotOf(survey, entry) !== undefined);
  if (!inRecovery || boots) return said;
  return [...said, 'this is the recovery system, as no slot can be booted: `cairn upgrade` mends the node'];
}

function doubtOf(entry: LoaderEntry): string | undefined {
  const { tries } = entry.name;
  const { doubt } = entry.text;
  if (tries === undefined || doubt === undefined) return undefined;
  return `${isSpent(entry) ? 'is not booted any more' : `has ${triesOf(tries.left)} left`}: ${doubt}`;
}

/** The initrd takes it from recovery then, if that holds it. */
function lossOf(survey: Survey, entry: LoaderEntry): string | undefined {
  return isSpent(entry) || slotOf(survey, entry) !== undefined ? undefined : 'is in no slot any more';
}

function slotOf({ slots }: Survey, { id, name }: LoaderEntry): Slot | undefined {
  return slots.find(
    ({ label, rootHash }) =>
      rootHash !== undefined &&
      idOf(rootHash) === id &&
      (name.kind === 'recovery') === (label === 'cairn-recovery'),
  );
}

function describeSlot(survey: Survey, slot: Slot): SlotStatus {
  const { label, rootHash } = slot;
  const booted = survey.disk.booted === label;
  if (rootHash === undefined) {
    const why = booted
      ? 'its release is not on the ESP any more'
      : slot.tops.length > 0
        ? 'what it holds is not known to the boot loader'
        : 'it holds no release';
    return { label, booted, state: booted ? 'unused' : 'empty', why };
  }
  const release = survey.loader.releases.get(idOf(rootHash));
  return {
    label,
    booted,
    ...judge(survey, slot, rootHash),
    rootHash,
    ...(release === undefined
      ? {}
      : { name: release.name, version: release.version, image: release.image.digest }),
  };
}

function judge(
  { loader, state }: Survey,
  { label }: Slot,
  rootHash: string,
): Pick<SlotStatus, 'state' | 'why'> {
  const { denied, pending } = state.state;
  const bad = denied.find((each) => each.rootHash === rootHash);
  if (bad !== undefined && label !== 'cairn-recovery') return { state: 'bad', why: bad.reason };
  const id = idOf(rootHash);
  const entry =
    label === 'cairn-recovery'
      ? loader.entries.find((each) => each.name.kind === 'recovery' && each.id === id)
      : entryOf(loader, id);
  if (entry === undefined) return { state: 'unused', why: 'the boot loader has no entry for it' };
  const { tries } = entry.name;
  if (tries === undefined) return { state: 'good' };
  if (isSpent(entry)) {
    const why =
      pending?.rootHash === rootHash
        ? whyFailed(pending).reason
        : (entry.text.doubt ?? 'its tries are spent');
    return { state: 'bad', why };
  }
  const { doubt } = entry.text;
  if (doubt !== undefined) return { state: 'pending', why: `${doubt}; it has ${triesOf(tries.left)} left` };
  const why =
    tries.done === 0
      ? 'it was not booted yet'
      : `it was booted ${tries.done} times, and is not known to be good yet`;
  return { state: 'pending', why: `${why}; it has ${triesOf(tries.left)} left` };
}

function triesOf(left: number): string {
  return left === 1 ? 'one try' : `${left} tries`;
}
