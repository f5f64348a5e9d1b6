import { formatBytes } from '@cairn/bytes';
import type { ReportPart } from '../support/report.ts';
import { median } from '../support/statistics.ts';
import type { UpgradeCost } from './node.ts';

/** All upgrades of one side. */
export interface SideCosts {
  readonly name: string;
  readonly costs: readonly UpgradeCost[];
}

export interface UpgradeComparison {
  /** Of root.erofs. */
  readonly rootBytes: number;
  /** Of the image's layers, compressed. */
  readonly layerBytes: number;
  readonly ours: readonly SideCosts[];
  readonly theirs: SideCosts;
}

/** What is asked of our side, in time and in bytes written. */
const GOAL_RATIO = 0.5;

const COLUMNS: Readonly<
  Record<string, { of: (cost: UpgradeCost) => number; show: (value: number) => string }>
> = {
  time: { of: ({ seconds }) => seconds, show: formatSeconds },
  'CPU time': { of: ({ cpuSeconds }) => cpuSeconds, show: formatSeconds },
  'written to disk': { of: ({ written }) => written, show: formatBytes },
  'peak memory': { of: ({ peakBytes }) => peakBytes, show: formatBytes },
};

export function reportUpgrade({ rootBytes, layerBytes, ours, theirs }: UpgradeComparison): ReportPart[] {
  const columns = Object.values(COLUMNS);
  const row = ({ name, costs }: SideCosts) =>
    [name].concat(columns.map(({ of, show }) => show(median(costs.map(of)))));
  const ratioOf = ({ costs }: SideCosts, of: (cost: UpgradeCost) => number) =>
    median(costs.map(of)) / median(theirs.costs.map(of));
  const ratios = (side: SideCosts) =>
    [`ratio, ${side.name}`].concat(columns.map(({ of }) => ratioOf(side, of).toFixed(2)));
  return [
    {
      kind: 'heading',
      text: `Upgrading to a root of ${formatBytes(rootBytes)}, from layers of ${formatBytes(layerBytes)}`,
    },
    {
      kind: 'paragraph',
      text: [
        `Medians of ${theirs.costs.length} upgrades of each, in turn, each on the same saved machine: from the command to ready to reboot.`,
        'Memory is that of the largest process; what is written is all that reaches the node’s disk, flushed.',
      ].join(' '),
    },
    {
      kind: 'table',
      headings: ['', ...Object.keys(COLUMNS)],
      rows: [...ours.map(row), row(theirs), ...ours.map(ratios)],
    },
    { kind: 'paragraph', text: ours.map((side) => goalOf(side, ratioOf)).join(' ') },
  ];
}

function goalOf(
  side: SideCosts,
  ratioOf: (side: SideCosts, of: (cost: UpgradeCost) => number) => number,
): string {
  const met = (of: (cost: UpgradeCost) => number) => (ratioOf(side, of) <= GOAL_RATIO ? 'met' : 'not met');
  const time = met(({ seconds }) => seconds);
  const written = met(({ written: bytes }) => bytes);
  return `Goal of ${side.name}, ratios at most ${GOAL_RATIO}: ${time} in time, ${written} in bytes written.`;
}

function formatSeconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
