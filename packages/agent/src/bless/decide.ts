import { loaderEntry } from '@cairn/release';
import type { Plan } from '../actions/steps.ts';
import type { LoaderEntry } from '../loader/load.ts';
import { entryOf, isSpent } from '../loader/order.ts';
import type { Survey } from '../node/survey.ts';
import type { Denied, Pending } from '../state/types.ts';

/** Plans the bless of what runs; undefined where it is good already, or the loader does not know it. */
export function planBless({ loader, running, rootHash, state }: Survey): Plan | undefined {
  const entry = entryOf(loader, running);
  if (entry?.name.kind !== 'slot') return undefined;
  const isPending = state.state.pending?.rootHash === rootHash;
  if (entry.name.tries === undefined && !isPending) return undefined;
  const { generation } = entry.name;
  const release = loader.releases.get(running);
  const text = release === undefined ? textOf(entry) : loaderEntry(release, generation);
  const counted = loader.entries.filter(
    ({ id, name }) => id === running && name.kind === 'slot' && name.tries !== undefined,
  );
  return {
    kind: 'bless',
    summary: `${entry.text.title} has proven itself`,
    steps: [
      // First the good entry, then the end of the counted one: a rename on FAT may lose both.
      { step: 'promote', id: running, generation, entry: text },
      { step: 'remove-entries', files: counted.map(({ file }) => file) },
      { step: 'record', settled: rootHash, proven: rootHash },
    ],
  };
}

/**
 * Plans the end of a doubt: the initrd has put a counter to the entry of a good release, since an earlier boot of it had failed,
 * and now it has come up. From now on its boots are not counted.
 *
 * @returns undefined where what runs is not doubted; what is on trial has its health to prove
 */
export function planAcquit({ disk, loader, running, rootHash, state }: Survey): Plan | undefined {
  // Recovery may be of the same release: that it runs says nothing of the slot.
  if (disk.booted === 'cairn-recovery' || state.state.pending?.rootHash === rootHash) return undefined;
  const doubted = loader.entries.filter(
    ({ id, name, text }) => id === running && name.kind === 'slot' && name.tries && text.doubt !== undefined,
  );
  const [entry] = doubted;
  if (entry?.name.kind !== 'slot') return undefined;
  const { generation } = entry.name;
  const release = loader.releases.get(running);
  return {
    kind: 'bless',
    summary: `${entry.text.title} has come up again; ${entry.text.doubt}`,
    steps: [
      {
        step: 'promote',
        id: running,
        generation,
        entry: release === undefined ? textOf(entry) : loaderEntry(release, generation),
      },
      { step: 'remove-entries', files: doubted.map(({ file }) => file) },
    ],
  };
}

function textOf({ text }: LoaderEntry): string {
  return `title ${text.title}\nsort-key ${text.sortKey}\nversion ${text.version}\nefi ${text.efi}\n`;
}

/**
 * Plans what follows from a fall-back: a release whose tries are spent, while another one runs, has failed. It goes on the
 * deny list with what is known of its boots, and out of the loader.
 *
 * @param why the release that is pending failed, where more is known than its boots have told
 * @returns undefined where nothing has failed
 */
export function planDeny(
  { loader, running, state }: Survey,
  now: string,
  why?: Pick<Denied, 'reason' | 'log'>,
): Plan | undefined {
  const { pending, denied } = state.state;
  const spent = loader.entries.filter(
    (entry) =>
      entry.name.kind === 'slot' &&
      isSpent(entry) &&
      entry.id !== undefined &&
      entry.id !== running &&
      // It was good: not the release has failed, but the slot that it is in.
      entry.text.doubt === undefined,
  );
  const [first] = spent;
  if (first?.id !== undefined) {
    const { id } = first;
    const files = spent.filter((entry) => entry.id === id).map(({ file }) => file);
    const failed = deniedOf(first, pending, loader.releases.get(id), now, why);
    const isNew = failed !== undefined && !denied.some(({ rootHash }) => rootHash === failed.rootHash);
    return {
      kind: 'deny',
      summary: `${first.text.title} has failed${failed === undefined ? '' : `: ${failed.reason}`}`,
      steps: [
        // In the state first: an entry that is gone tells nobody why.
        ...(isNew ? [{ step: 'record' as const, denied: failed }] : []),
        { step: 'remove-entries', files },
      ],
    };
  }
  // What was pending, and has no entry any more, was replaced by another upgrade or called off.
  const isGone = pending !== undefined && entryOf(loader, pending.id) === undefined;
  if (!isGone || pending.id === running) return undefined;
  return {
    kind: 'deny',
    summary: `${pending.name} ${pending.version} is not there any more`,
    steps: [{ step: 'record', settled: pending.rootHash }],
  };
}

interface Named {
  readonly name: string;
  readonly version: string;
  readonly root: { readonly rootHash: string };
  readonly image: { readonly digest: string };
}

function deniedOf(
  { id }: LoaderEntry,
  pending: Pending | undefined,
  release: Named | undefined,
  at: string,
  why: Pick<Denied, 'reason' | 'log'> | undefined,
): Denied | undefined {
  if (pending !== undefined && pending.id === id) {
    const { rootHash, digest, name, version } = pending;
    return { rootHash, imageDigest: digest, name, version, ...(why ?? whyFailed(pending)), at };
  }
  if (release === undefined) return undefined;
  const { name, version, root, image } = release;
  const reason = 'it was tried three times, and nothing is known of its boots';
  return { rootHash: root.rootHash, imageDigest: image.digest, name, version, reason, log: [], at };
}

const REACHED = {
  initrd: 'its last boot left the initrd',
  userland: 'its last boot had started its init, and had not come up',
  health: 'its last boot came up, and was being checked for health',
} as const;

/** The reason of the last boot that tells one; else how far the last boot came. */
export function whyFailed({ attempts }: Pick<Pending, 'attempts'>): Pick<Denied, 'reason' | 'log'> {
  const told = attempts.findLast(({ failure }) => failure !== undefined)?.failure;
  if (told !== undefined) return { reason: told.reason, log: told.log };
  const last = attempts.at(-1);
  if (last === undefined) {
    return {
      reason: 'none of its boots came as far as the initrd’s end: the kernel or the initrd failed',
      log: [],
    };
  }
  return { reason: `${REACHED[last.reached]}, and then no more was heard of it`, log: [] };
}
