import { formatBytes } from '@cairn/bytes';
import type { Usage } from '../support/measure.ts';
import type { ReportPart } from '../support/report.ts';
import { median } from '../support/statistics.ts';
import type { BenchImage } from './image.ts';
import type { Limits } from './limits.ts';
import type { NativeRun } from './native.ts';

/** All that was measured on one image. */
export interface Comparison {
  readonly image: BenchImage;
  readonly limits: Limits;
  readonly ours: readonly Usage[];
  readonly native: readonly NativeRun[];
  /** The native side as if fsync(2) took no time. */
  readonly notFlushing: readonly NativeRun[];
  readonly checks: readonly string[];
}

/** What is asked of our side. */
const GOAL = { ratio: 1, peakBytes: 256 << 20 } as const;

const STEPS = ['mkfs.erofs', 'veritysetup', 'systemd-repart'] as const;

export function reportBuild({ image, limits, ours, native, notFlushing, checks }: Comparison): ReportPart[] {
  const cairn = summarize(ours);
  const tools = summarize(native.map(({ usage }) => usage));
  const unflushed = summarize(notFlushing.map(({ usage }) => usage));
  const ratio = cairn.seconds / tools.seconds;
  return [
    { kind: 'heading', text: `Building a disk from a tar of ${formatBytes(image.size)}` },
    {
      kind: 'paragraph',
      text: [
        `The median and the fastest of ${ours.length} runs of each, in turn.`,
        'Each makes the verified root, and a GPT disk with an ESP and that root.',
        'Cairn also checks the image’s digest and makes the UKI and the bill of materials; the native tools also wait until their files are on the disk, so that they are shown without that too.',
      ].join(' '),
    },
    {
      kind: 'table',
      headings: ['', 'median', 'fastest', 'CPU time', 'peak memory'],
      rows: [
        usageRow('cairn build', cairn),
        usageRow('native tools', tools),
        usageRow('native tools, not flushing', unflushed),
        ratioRow('ratio to native tools', cairn, tools),
        ratioRow('ratio to those not flushing', cairn, unflushed),
        ['limit: sha256 of the tar', formatSeconds(limits.hashSeconds), '', '', ''],
        ['limit: copying the tar', formatSeconds(limits.copySeconds), '', '', ''],
      ],
    },
    {
      kind: 'table',
      headings: ['native step, median', ...STEPS],
      rows: [stepRow('flushing', native), stepRow('not flushing', notFlushing)],
    },
    {
      kind: 'paragraph',
      text: [
        `Goals: ratio to the native tools at most ${GOAL.ratio.toFixed(1)}: ${met(ratio <= GOAL.ratio)};`,
        `peak memory at most ${formatBytes(GOAL.peakBytes)}: ${met(cairn.peakBytes <= GOAL.peakBytes)}.`,
        ...checks,
      ].join(' '),
    },
  ];
}

interface Summary extends Usage {
  readonly fastest: number;
}

function summarize(runs: readonly Usage[]): Summary {
  const of = (name: keyof Usage) => runs.map((usage) => usage[name]);
  return {
    seconds: median(of('seconds')),
    fastest: Math.min(...of('seconds')),
    cpuSeconds: median(of('cpuSeconds')),
    // Memory is not a matter of luck: the worst run counts.
    peakBytes: Math.max(...of('peakBytes')),
  };
}

function usageRow(name: string, { seconds, fastest, cpuSeconds, peakBytes }: Summary): string[] {
  return [name, ...[seconds, fastest, cpuSeconds].map(formatSeconds), formatBytes(peakBytes)];
}

function ratioRow(name: string, ours: Summary, theirs: Summary): string[] {
  const ratio = (field: keyof Summary) => (ours[field] / theirs[field]).toFixed(2);
  return [name, ratio('seconds'), ratio('fastest'), ratio('cpuSeconds'), ''];
}

function stepRow(name: string, runs: readonly NativeRun[]): string[] {
  return [name, ...STEPS.map((step) => formatSeconds(median(runs.map(({ steps }) => steps[step]))))];
}

function formatSeconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

function met(holds: boolean): string {
  return holds ? 'met' : 'not met';
}
