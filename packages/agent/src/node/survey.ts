import type { Host } from '@cairn/host';
import { readRootHash } from '../boot/boot.ts';
import { AgentError } from '../error.ts';
import { type LoaderState, loadLoader } from '../loader/load.ts';
import { entryOf } from '../loader/order.ts';
import { type LoadedState, loadState } from '../state/store.ts';
import { findNodeDisk, type NodeDisk } from './disk.ts';
import { readSlot, type Slot, TURNING_SLOTS } from './slots.ts';

/** All that decides what can be done with a node, looked up once. */
export interface Survey {
  readonly disk: NodeDisk;
  readonly loader: LoaderState;
  readonly state: LoadedState;
  /** By label: `cairn-a`, `cairn-b`, `cairn-recovery`, as far as the disk has them. */
  readonly slots: readonly Slot[];
  /** The root hash of what runs. */
  readonly rootHash: string;
  /** The first 32 digits of it, as on the ESP. */
  readonly running: string;
}

const ID_LENGTH = 32;

export function idOf(rootHash: string): string {
  return rootHash.slice(0, ID_LENGTH);
}

/** @param esp where the ESP is mounted */
export async function surveyNode({ files }: Pick<Host, 'files'>, esp: string): Promise<Survey> {
  const rootHash = readRootHash((await files.readText('/proc/cmdline')) ?? '');
  const disk = await findNodeDisk(files);
  const loader = await loadLoader(files, esp);
  const releases = [...loader.releases.values()];
  const slots: Slot[] = [];
  for (const label of [...TURNING_SLOTS, 'cairn-recovery']) {
    for (const partition of disk.partitions.filter((each) => each.label === label)) {
      slots.push(await readSlot(files, label, partition.device, releases));
    }
  }
  return { disk, loader, state: await loadState(files), slots, rootHash, running: idOf(rootHash) };
}

export function slotLabelled({ slots, disk }: Survey, label: string): Slot {
  const found = slots.find((slot) => slot.label === label);
  if (found !== undefined) return found;
  throw new AgentError('unfit', `${disk.device} has no partition ${label}`);
}

/**
 * The slot that is not booted. In recovery, that whose release is not good, or the older one.
 */
export function idleSlot(survey: Survey): Slot {
  const { disk, loader } = survey;
  const [first, second] = TURNING_SLOTS.map((label) => slotLabelled(survey, label));
  if (first === undefined || second === undefined) throw new TypeError('two slots take turns');
  if (disk.booted === first.label) return second;
  if (disk.booted === second.label) return first;
  const worth = ({ rootHash }: Slot): number => {
    const entry = rootHash === undefined ? undefined : entryOf(loader, idOf(rootHash));
    if (entry?.name.kind !== 'slot') return 0;
    return entry.name.tries === undefined ? entry.name.generation : 0;
  };
  return worth(first) <= worth(second) ? first : second;
}

/** The slot of the two that `idleSlot` is not. */
export function otherSlot(survey: Survey, slot: Slot): Slot {
  const label = TURNING_SLOTS.find((each) => each !== slot.label);
  return slotLabelled(survey, label ?? '');
}
