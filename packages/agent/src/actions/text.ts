import { formatBytes } from '@cairn/bytes';
import { formatEntryName, RECOVERY_FILE } from '../loader/name.ts';
import type { Plan, Step } from './steps.ts';

/** A plan as people read it: what it comes to, then a line a step. */
export function describePlan({ summary, steps }: Plan): string {
  return [summary, ...steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`)].join('\n');
}

function describeStep(step: Step): string {
  switch (step.step) {
    case 'remove-entries':
      return `remove from the boot loader: ${listed(step.files)}`;
    case 'remove-files':
      return `remove from the ESP: ${listed(step.paths)}`;
    case 'invalidate-slot':
      return `mark ${step.slot} (${step.device}) as holding no release`;
    case 'write-slot':
      return `write ${formatBytes(step.root.size)} from ${step.source} to ${step.slot} (${step.device})`;
    case 'verify-slot':
      return `read ${step.slot} (${step.device}) back, and verify it up to the root hash ${step.root.rootHash}`;
    case 'write-uki':
      return `write the UKI, ${formatBytes(step.uki.size)}, and its description to the ESP as ${step.id}`;
    case 'verify-uki':
      return `read the UKI of ${step.id} back from the ESP, and compare its digest`;
    case 'commit':
      return `make it bootable: the loader's entry ${formatEntryName(step.generation, step.tries)}`;
    case 'commit-recovery':
      return `make it the recovery release: the loader's entry ${RECOVERY_FILE}`;
    case 'promote':
      return `make the loader's entry ${formatEntryName(step.generation)}, which is not counted`;
    case 'replace-loader':
      return `replace the boot loader ${step.path}, and read it back`;
    case 'record':
      break;
  }
  return `remember it: ${remembered(step)}`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}

function remembered({ pending, denied }: Extract<Step, { readonly step: 'record' }>): string {
  if (pending !== undefined) return `${pending.name} ${pending.version} is pending`;
  if (denied !== undefined) return `${denied.name} ${denied.version} is on the deny list`;
  return 'nothing is pending any more';
}
