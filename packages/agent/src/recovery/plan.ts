import { formatBytes } from '@cairn/bytes';
import { recoveryEntry } from '@cairn/release';
import type { Plan } from '../actions/steps.ts';
import { AgentError } from '../error.ts';
import { entryOf } from '../loader/order.ts';
import { descriptionPath, ukiPath } from '../loader/places.ts';
import { idOf, type Survey, slotLabelled } from '../node/survey.ts';

const RECOVERY = 'cairn-recovery';

/**
 * Settles how the running release becomes the recovery release: it has booted here, and is good. The old recovery cannot be
 * booted from the first step on, and the new one not before it has been read back.
 *
 * @returns undefined where it is the recovery release already
 * @throws AgentError `unfit`, `unproven`, `too-large`
 */
export function planRecovery(survey: Survey): Plan | undefined {
  const { disk, loader, running, rootHash } = survey;
  const source = slotLabelled(survey, disk.booted);
  const target = slotLabelled(survey, RECOVERY);
  const release = loader.releases.get(running);
  const entry = entryOf(loader, running);
  if (disk.booted === RECOVERY || release === undefined || entry === undefined || !loader.ukis.has(running)) {
    throw new AgentError(
      'unfit',
      `what runs, from ${disk.booted}, is no release that the boot loader has in a slot`,
    );
  }
  if (entry.name.tries !== undefined) {
    throw new AgentError('unproven', 'the release that runs is on trial: it is not known yet to be good', {
      hint: 'Wait until it has proven itself; `cairn status` tells.',
    });
  }
  const entries = loader.entries.filter(({ name }) => name.kind === 'recovery');
  if (target.rootHash === rootHash && entries.some(({ id }) => id === running)) return undefined;
  const { root, uki, name, version } = release;
  if (root.size > target.size) {
    throw new AgentError(
      'too-large',
      `the root has ${formatBytes(root.size)} and does not fit ${RECOVERY}, which has ${formatBytes(target.size)}`,
    );
  }
  const { label, device } = target;
  const tops = [...new Set([...target.tops, root.hashOffset])];
  return {
    kind: 'recovery',
    summary: `make ${name} ${version}, which runs, the recovery release`,
    steps: [
      { step: 'remove-entries', files: entries.map(({ file }) => file) },
      { step: 'remove-files', paths: unneeded(survey) },
      { step: 'invalidate-slot', slot: label, device, tops },
      { step: 'write-slot', slot: label, device, source: source.device, root },
      { step: 'verify-slot', slot: label, device, root },
      { step: 'verify-uki', id: idOf(rootHash), uki },
      { step: 'commit-recovery', id: running, rootHash, entry: recoveryEntry(release) },
    ],
  };
}

/** Of the old recovery's, what no slot boots by. */
function unneeded({ loader }: Survey): string[] {
  const needed = new Set(
    loader.entries.flatMap(({ name, id }) => (name.kind === 'slot' && id !== undefined ? [id] : [])),
  );
  const old = new Set(
    loader.entries.flatMap(({ name, id }) => (name.kind === 'recovery' && id !== undefined ? [id] : [])),
  );
  const gone = [...old].filter((id) => !needed.has(id));
  return [
    ...gone.filter((id) => loader.ukis.has(id)).map(ukiPath),
    ...gone.filter((id) => loader.descriptions.has(id)).map(descriptionPath),
  ];
}
