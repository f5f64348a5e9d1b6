import { loaderEntry } from '@cairn/release';
import type { Plan } from '../actions/steps.ts';
import { AgentError } from '../error.ts';
import type { LoaderEntry } from '../loader/load.ts';
import { entryOf, isSpent, nextGeneration } from '../loader/order.ts';
import { TURNING_SLOTS } from '../node/slots.ts';
import { idOf, type Survey, slotLabelled } from '../node/survey.ts';

/**
 * Settles how to go back to the other slot: its release gets the highest generation, without a counter since it is good, once
 * slot and UKI have been read back. What is left behind stays bootable below it, if it is good itself.
 *
 * A release that waits for its first boot is called off instead.
 *
 * @throws AgentError `no-fallback`, `denied`
 */
export function planRollback(survey: Survey): Plan {
  const { disk, loader, running, state } = survey;
  const label = TURNING_SLOTS.find((each) => each !== disk.booted);
  if (label === undefined || disk.booted === 'cairn-recovery') {
    throw new AgentError('no-fallback', `${disk.booted} was booted: there is no other slot to go back to`, {
      hint: 'Choose what to boot in the boot menu, or upgrade from here.',
    });
  }
  const slot = slotLabelled(survey, label);
  const release = slot.rootHash === undefined ? undefined : loader.releases.get(idOf(slot.rootHash));
  const id = slot.rootHash === undefined ? '' : idOf(slot.rootHash);
  const entry = entryOf(loader, id);
  if (slot.rootHash === undefined || release === undefined || entry === undefined || !loader.ukis.has(id)) {
    throw new AgentError('no-fallback', `${label} has no release that can be booted`, {
      hint: 'Install one: `cairn upgrade SOURCE`.',
    });
  }
  if (waits(entry)) return callOff(survey, entry, slot.rootHash);
  const denied = state.state.denied.find(({ rootHash }) => rootHash === slot.rootHash);
  if (denied !== undefined || isSpent(entry) || entry.name.tries !== undefined) {
    const why = denied === undefined ? 'its tries are spent' : denied.reason;
    throw new AgentError(
      'denied',
      `the release in ${label}, ${release.name} ${release.version}, is not good: ${why}`,
      {
        hint: 'Install a good one: `cairn upgrade SOURCE`.',
      },
    );
  }
  const generation = nextGeneration(loader);
  const { root, uki } = release;
  const current = entryOf(loader, running);
  const duplicates = loader.entries.filter((each) => each.id === id && each.name.kind === 'slot');
  const unproven = loader.entries.filter(
    (each) => each.id === running && each.name.tries !== undefined && each.name.kind === 'slot',
  );
  return {
    kind: 'rollback',
    summary: `go back to ${release.name} ${release.version} in ${label}`,
    steps: [
      { step: 'verify-slot', slot: label, device: slot.device, root },
      { step: 'verify-uki', id, uki },
      {
        step: 'commit',
        id,
        generation,
        tries: undefined,
        rootHash: root.rootHash,
        entry: loaderEntry(release, generation),
      },
      // The new entry is on the disk: these are not needed any more.
      {
        step: 'remove-entries',
        files: [...duplicates, ...(current === undefined ? [] : unproven)].map(({ file }) => file),
      },
      { step: 'record', settled: survey.rootHash },
    ],
  };
}

/** It was never booted. */
function waits({ name }: LoaderEntry): boolean {
  return name.tries !== undefined && name.tries.done === 0 && name.tries.left > 0;
}

function callOff({ loader }: Survey, entry: LoaderEntry, rootHash: string): Plan {
  const files = loader.entries
    .filter(({ id, name }) => id === entry.id && name.kind === 'slot')
    .map(({ file }) => file);
  return {
    kind: 'rollback',
    summary: `call off ${entry.text.title}, which was to be booted next`,
    steps: [
      { step: 'remove-entries', files },
      { step: 'record', settled: rootHash },
    ],
  };
}
