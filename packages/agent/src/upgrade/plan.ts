import { alignUp, formatBytes } from '@cairn/bytes';
import type { Space } from '@cairn/host';
import { loaderEntry, type Release } from '@cairn/release';
import type { Plan } from '../actions/steps.ts';
import { AgentError } from '../error.ts';
import { TRIES } from '../loader/name.ts';
import { entryOf, nextGeneration } from '../loader/order.ts';
import { descriptionPath, ukiPath } from '../loader/places.ts';
import type { Slot } from '../node/slots.ts';
import { idleSlot, idOf, otherSlot, type Survey } from '../node/survey.ts';
import type { DefaultRoutes, Denied } from '../state/types.ts';
import type { Candidate } from './candidate.ts';
import { isOlder } from './version.ts';

export interface UpgradeOptions {
  /** Installs a release that is on the deny list. */
  readonly force?: boolean | undefined;
  readonly allowDowngrade?: boolean | undefined;
}

export interface UpgradeFacts {
  readonly survey: Survey;
  readonly candidate: Candidate;
  /** Of the ESP. */
  readonly space: Space;
  /** ISO 8601 */
  readonly now: string;
  /** As it is now, which it has to be again with the new release. */
  readonly network: DefaultRoutes;
}

/** Entries, and folders that grow. */
const ESP_RESERVE = 256 << 10;

/**
 * Decides whether a release may be installed, and settles all that is to be done for it. It touches nothing.
 *
 * @throws AgentError `unfit`, `unproven`, `wrong-architecture`, `too-large`, `running`, `denied`, `downgrade`
 */
export function planUpgrade(facts: UpgradeFacts, options: UpgradeOptions): Plan {
  const { survey, candidate, now, network } = facts;
  const { release } = candidate;
  checkRunning(survey);
  checkRelease(survey, release, options);
  const slot = idleSlot(survey);
  if (release.root.size > slot.size) {
    throw new AgentError(
      'too-large',
      `the root has ${formatBytes(release.root.size)} and does not fit ${slot.label}, which has ${formatBytes(slot.size)}`,
      { hint: 'Take a smaller image, or install the node anew with larger slots.' },
    );
  }
  const retired = retire(survey, slot);
  checkSpace(facts, retired.paths);
  const id = idOf(release.root.rootHash);
  const generation = nextGeneration(survey.loader);
  const { name, version, root, uki, image } = release;
  const tops = new Set([...slot.tops, root.hashOffset]);
  const title = `${name} ${version}`;
  return {
    kind: 'upgrade',
    summary: `upgrade to ${title} in ${slot.label}`,
    steps: [
      { step: 'remove-entries', files: retired.entries },
      { step: 'remove-files', paths: retired.paths },
      { step: 'invalidate-slot', slot: slot.label, device: slot.device, tops: [...tops] },
      {
        step: 'write-slot',
        slot: slot.label,
        device: slot.device,
        source: `${candidate.folder}/${root.file}`,
        root,
      },
      { step: 'verify-slot', slot: slot.label, device: slot.device, root },
      { step: 'write-uki', id, source: candidate.folder, uki, description: candidate.description },
      { step: 'verify-uki', id, uki, description: candidate.description },
      {
        step: 'commit',
        id,
        generation,
        tries: TRIES,
        rootHash: root.rootHash,
        entry: loaderEntry(release, generation),
      },
      {
        step: 'record',
        pending: {
          id,
          rootHash: root.rootHash,
          generation,
          slot: slot.label,
          name,
          version,
          digest: image.digest,
          since: now,
          network,
          attempts: [],
        },
      },
    ],
  };
}

/** What runs is what is fallen back to: it has to be good, and the loader has to know it. */
function checkRunning(survey: Survey): void {
  const { loader, running } = survey;
  if (isRecovery(survey)) return;
  const entry = entryOf(loader, running);
  if (entry === undefined || !loader.ukis.has(running)) {
    throw new AgentError(
      'unfit',
      'the boot loader has no entry of the release that runs: there would be none to fall back to',
      {
        hint: 'Boot a release that the loader knows, or the recovery release, and upgrade there.',
      },
    );
  }
  if (entry.name.tries === undefined) return;
  throw new AgentError('unproven', 'the release that runs is on trial: it is not known yet to be good', {
    hint: 'Wait until it has proven itself (`cairn status` tells), or go back: `cairn rollback`.',
  });
}

function checkRelease(survey: Survey, release: Release, options: UpgradeOptions): void {
  const { loader, running, rootHash } = survey;
  const runs = loader.releases.get(running);
  const architecture = runs?.architecture ?? 'amd64';
  if (release.architecture !== architecture) {
    throw new AgentError(
      'wrong-architecture',
      `the release is for ${release.architecture}, this node is ${architecture}`,
      { hint: 'Build it from an image for this platform.' },
    );
  }
  if (release.root.rootHash === rootHash && !isRecovery(survey)) {
    throw new AgentError('running', `${release.name} ${release.version} runs already`, {
      hint: 'There is nothing to be done: its root is the same, byte for byte.',
    });
  }
  const denied = survey.state.state.denied.find((each) => isSame(each, release));
  if (denied !== undefined && options.force !== true) throw deniedError(denied);
  if (runs !== undefined && options.allowDowngrade !== true && isOlder(release, runs)) {
    throw new AgentError('downgrade', `${release.version} is older than ${runs.version}, which runs`, {
      hint: 'To install it all the same: `--allow-downgrade`.',
    });
  }
}

function isSame(denied: Denied, { root, image }: Release): boolean {
  return denied.rootHash === root.rootHash || denied.imageDigest === image.digest;
}

function deniedError(denied: Denied): AgentError {
  return new AgentError(
    'denied',
    `${denied.name} ${denied.version} has failed on this node at ${denied.at}: ${denied.reason}`,
    { hint: 'It is not installed again. To try it all the same: `--force`.' },
  );
}

/** There what runs is in no slot that takes turns, and may be put into one. */
function isRecovery({ disk }: Survey): boolean {
  return disk.booted === 'cairn-recovery';
}

/** The image is known before it is rendered: what would be refused in the end is refused at once. Throws AgentError `denied`, `running`. */
export function checkImage(survey: Survey, digest: string, options: UpgradeOptions): void {
  const { state, loader, running } = survey;
  const denied = state.state.denied.find(({ imageDigest }) => imageDigest === digest);
  if (denied !== undefined && options.force !== true) throw deniedError(denied);
  const runs = loader.releases.get(running);
  if (runs === undefined || runs.image.digest !== digest || isRecovery(survey)) return;
  throw new AgentError(
    'running',
    `${runs.name} ${runs.version} was made of this image (${digest}), and runs already`,
  );
}

/** All that belongs neither to what runs, nor to what else is to stay bootable. */
function retire(survey: Survey, slot: Slot): { entries: string[]; paths: string[] } {
  const { loader, running } = survey;
  const other = otherSlot(survey, slot).rootHash;
  const kept = new Set(other === undefined ? [] : [idOf(other)]);
  // The recovery's release may be the one in the slot that is written, too: it keeps its own entry only.
  if (!isRecovery(survey)) kept.add(running);
  const recovery = loader.entries.flatMap(({ name, id }) =>
    name.kind === 'recovery' && id !== undefined ? [id] : [],
  );
  const needed = new Set([...kept, ...recovery, running]);
  const entries = loader.entries.filter(
    ({ name, id }) => name.kind === 'slot' && (id === undefined || !kept.has(id)),
  );
  const unneeded = (ids: Iterable<string>, path: (id: string) => string) =>
    [...ids].filter((id) => !needed.has(id)).map(path);
  return {
    entries: entries.map(({ file }) => file),
    paths: [
      ...loader.leftovers,
      ...unneeded(loader.ukis.keys(), ukiPath),
      ...unneeded(loader.descriptions.keys(), descriptionPath),
    ],
  };
}

function checkSpace({ survey, candidate, space }: UpgradeFacts, retired: readonly string[]): void {
  const { ukis, descriptions } = survey.loader;
  const onDisk = (size: number) => alignUp(size, space.blockSize);
  let free = space.free;
  for (const [id, size] of ukis) if (retired.includes(ukiPath(id))) free += onDisk(size);
  for (const [id, size] of descriptions) if (retired.includes(descriptionPath(id))) free += onDisk(size);
  const wanted = onDisk(candidate.release.uki.size) + onDisk(candidate.description.size) + ESP_RESERVE;
  if (wanted <= free) return;
  throw new AgentError(
    'too-large',
    `the ESP has room for ${formatBytes(free)}, the UKI of this release needs ${formatBytes(wanted)}`,
    { hint: 'Take a kernel with fewer or compressed modules, or remove what else lies on the ESP.' },
  );
}
