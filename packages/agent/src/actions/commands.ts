import { bless, type Settled, settle } from '../bless/bless.ts';
import type { NodeCommand } from '../commands.ts';
import { rollback } from '../rollback/rollback.ts';
import { describePlan } from './text.ts';

/** The commands that change a node, but for `upgrade`, which is the program's own since it opens images. */
export const actionCommands: readonly NodeCommand[] = [
  {
    name: 'rollback',
    description: 'go back to the release in the other slot, at the next boot or at once',
    examples: ['cairn rollback', 'cairn rollback --now', 'cairn rollback --dry-run'],
    options: {},
    flags: {
      now: 'reboot when it is done',
      'dry-run': 'print the plan, change nothing',
    },
    async run(host, _options, signal, { flags, onProgress } = { flags: new Set() }) {
      const { plan, done } = await rollback(host, {
        signal,
        onProgress,
        dryRun: flags.has('dry-run'),
        now: flags.has('now'),
      });
      if (!done) return { data: { plan }, text: describePlan(plan), healthy: true };
      const then = flags.has('now') ? 'rebooting' : 'it is what the next boot takes';
      return { data: { plan, done }, text: `${plan.summary}: done, ${then}`, healthy: true };
    },
  },
  {
    name: 'bless',
    description: 'say that what runs is good (run by the health check, not by people)',
    examples: ['cairn bless'],
    options: {},
    async run(host, _options, signal) {
      const plan = await bless(host, { signal });
      const text = plan === undefined ? 'what runs is good already' : plan.summary;
      return { data: { blessed: plan !== undefined, plan }, text, healthy: true };
    },
  },
  {
    name: 'settle',
    description: 'end what was interrupted, and note releases that have failed (run at each boot)',
    examples: ['cairn settle'],
    options: {},
    async run(host, _options, signal) {
      const settled = await settle(host, { signal });
      return { data: settled, text: settledText(settled), healthy: true };
    },
  },
];

function settledText({ recovered, denied, acquitted }: Settled): string {
  const lines = [
    ...(recovered === undefined ? [] : [recovered.detail]),
    ...denied.map(({ summary }) => summary),
    ...(acquitted === undefined ? [] : [acquitted.summary]),
  ];
  return lines.length === 0 ? 'there was nothing to be done' : lines.join('\n');
}
