import type { ReportPart } from '../support/report.ts';
import { median } from '../support/statistics.ts';
import type { Boot } from './boots.ts';

/** All boots of one system, in their order: the first one makes partitions, keys and journals, and does not count. */
export interface SystemBoots {
  readonly name: string;
  readonly first: Boot;
  readonly later: readonly Boot[];
}

/** What is asked of Cairn, of the time from the kernel's start to multi-user.target. */
const GOAL_RATIO = 1.1;

/** How many of the initrd's units are shown. */
const UNITS_SHOWN = 12;

/** The columns that both tables of boots have. */
const COLUMNS: Readonly<Record<string, (boot: Boot) => number>> = {
  kernel: ({ timeline }) => timeline.kernel,
  initrd: ({ timeline }) => timeline.initrd,
  userspace: ({ timeline }) => timeline.userspace,
  'multi-user': ({ timeline }) => timeline.total,
  'login prompt': ({ promptSeconds }) => promptSeconds,
  'QEMU’s CPU time': ({ cpuSeconds }) => cpuSeconds,
};

export function reportBoots(cairn: SystemBoots, plain: SystemBoots): ReportPart[] {
  const ratio =
    medianOf(cairn, ({ timeline }) => timeline.total) / medianOf(plain, ({ timeline }) => timeline.total);
  const columns = Object.values(COLUMNS);
  return [
    { kind: 'heading', text: 'Booting Debian 13 to multi-user.target' },
    {
      kind: 'paragraph',
      text: [
        `Medians of ${cairn.later.length} boots of each system, in turn, on the same machine, the kernel started directly: without firmware and boot loader.`,
        'The first boot of each, which makes partitions or journals, is shown below and does not count.',
        'Seconds since the kernel’s start by the guest’s clock; the login prompt by the host’s, since QEMU’s start; processor time until multi-user.target.',
      ].join(' '),
    },
    {
      kind: 'table',
      headings: ['', ...Object.keys(COLUMNS)],
      rows: [
        ...[cairn, plain].map((system) =>
          [system.name].concat(columns.map((of) => seconds(medianOf(system, of)))),
        ),
        ['ratio', ...columns.map((of) => (medianOf(cairn, of) / medianOf(plain, of)).toFixed(2))],
      ],
    },
    {
      kind: 'paragraph',
      text: `Goal: ratio at most ${GOAL_RATIO}: ${ratio <= GOAL_RATIO ? 'met' : 'not met'}.`,
    },
    {
      kind: 'table',
      headings: ['every boot', ...Object.keys(COLUMNS), 'cairn boot'],
      rows: bootRows(cairn).concat(bootRows(plain)),
    },
    ...reportInitrd(cairn),
  ];
}

/** Of the last boot: units run side by side, so that these do not add up. */
function reportInitrd({ name, later }: SystemBoots): ReportPart[] {
  const units = later.at(-1)?.initrdUnits.slice(0, UNITS_SHOWN) ?? [];
  if (units.length === 0) return [];
  return [
    {
      kind: 'table',
      headings: [`${name}'s initrd, last boot`, 'starts at', 'takes'],
      rows: units.map(({ unit, start, seconds: length }) => [unit, seconds(start), seconds(length)]),
    },
  ];
}

function bootRows({ name, first, later }: SystemBoots): string[][] {
  return [first, ...later].map((boot, index) => {
    const label = `${name}, ${index === 0 ? 'first' : index + 1}`;
    const figures = Object.values(COLUMNS).map((of) => seconds(of(boot)));
    return [label].concat(figures, boot.agentMs === undefined ? '' : seconds(boot.agentMs / 1000));
  });
}

function medianOf({ later }: SystemBoots, of: (boot: Boot) => number): number {
  return median(later.map(of));
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}
