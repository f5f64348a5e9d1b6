import { formatBytes } from '@cairn/bytes';
import type { InstallPlan, InstallStep, Place } from './steps.ts';

/** A plan as people read it. */
export function describeInstallation({ summary, device, lost, steps }: InstallPlan): string {
  return [
    summary,
    lost === undefined ? `${device} is empty.` : `${device} holds ${lost}: all of it is lost.`,
    ...steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`),
  ].join('\n');
}

function describeStep(step: InstallStep): string {
  switch (step.step) {
    case 'wipe-disk':
      return 'wipe the partition tables and the beginning of each new partition';
    case 'write-esp':
      return `make the FAT32 of ${placed(step.place)}: boot loader twice, UKI, ${step.files.length - 3} small files`;
    case 'write-root':
      return `write the root, ${formatBytes(step.root.size)}, to ${placed(step.place)}`;
    case 'make-file-system':
      return `make the ext4 of ${placed(step.place)}${step.config ? ', the configuration in it' : ''}`;
    case 'verify-esp':
      return `read ${step.place.label} back, and compare each file`;
    case 'verify-root':
      return `read ${step.place.label} back, and verify it up to the root hash ${step.root.rootHash}`;
    case 'write-table':
      return `write the partition table, ${step.layout.partitions.length} partitions: from here on the disk boots`;
    case 'check-file-systems':
      return `mount ${step.labels.join(', ')}, and look`;
    case 'add-boot-option':
      break;
  }
  return 'make it what the firmware boots first, by a boot option of its own';
}

function placed({ label, size }: Place): string {
  return `${label} (${formatBytes(size)})`;
}
