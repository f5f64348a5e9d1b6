import type { Architecture } from '../architecture.ts';
import type { DiskSizes } from '../sizes.ts';

/** A partition of a node's disk: what `cairn build` makes and what systemd-repart adds at first boot. */
interface Definition {
  readonly file: string;
  readonly label: string;
  /** By the names of repart.d(5). */
  readonly type: string;
  readonly minimum: number;
  /** Without one it takes what is left. */
  readonly maximum?: number;
  readonly format?: 'ext4';
}

/** The definitions of repart.d(5) for a disk with these sizes: text by file name. */
export function partitionDefinitions(sizes: DiskSizes, { rootTypeName }: Architecture): Map<string, string> {
  const { esp, slot, oem, persistent } = sizes;
  const slots = ['cairn-a', 'cairn-b', 'cairn-recovery'].map(
    (label, index): Definition => ({
      file: `${20 + 10 * index}-${label}.conf`,
      label,
      type: rootTypeName,
      minimum: slot,
      maximum: slot,
    }),
  );
  const definitions: Definition[] = [
    { file: '10-esp.conf', label: 'ESP', type: 'esp', minimum: esp, maximum: esp },
    ...slots,
    {
      file: '50-oem.conf',
      label: 'COS_OEM',
      type: 'linux-generic',
      minimum: oem,
      maximum: oem,
      format: 'ext4',
    },
    {
      file: '60-persistent.conf',
      label: 'COS_PERSISTENT',
      type: 'linux-generic',
      minimum: persistent,
      format: 'ext4',
    },
  ];
  return new Map(definitions.map((definition) => [definition.file, encode(definition)]));
}

function encode({ type, label, minimum, maximum, format }: Definition): string {
  const lines = ['[Partition]', `Type=${type}`, `Label=${label}`, `SizeMinBytes=${minimum}`];
  if (maximum !== undefined) lines.push(`SizeMaxBytes=${maximum}`);
  if (format !== undefined) lines.push(`Format=${format}`);
  return `${lines.join('\n')}\n`;
}
