import { type Host, realNetwork } from '@cairn/host';
import { TRIAL } from '../boot/places.ts';
import type { CommandAnswer, NodeCommand } from '../commands.ts';
import type { Finding } from './finding.ts';

export const healthCommands: readonly NodeCommand[] = [
  {
    name: 'health',
    description:
      'whether this node is healthy; on trial: bless the release that runs, or reboot (run at boot)',
    examples: ['cairn health --once', 'cairn health --once --json'],
    options: {},
    flags: { once: 'check once, and tell: nothing follows from it' },
    async run(host, _options, signal, { flags } = { flags: new Set() }) {
      // A release that is good is never judged again, whoever asks.
      const onTrial = (await host.files.stat(TRIAL)) !== undefined;
      if (flags.has('once') || !onTrial) return look(host, onTrial);
      const { judge } = await import('./judge.ts');
      const verdict = await judge({ host, network: realNetwork() }, signal);
      const { healthy, reason } = verdict;
      return {
        data: { onTrial, ...verdict },
        text: healthy ? 'healthy: this release is good from now on' : `not healthy: ${reason}; rebooting`,
        healthy,
      };
    },
  },
];

async function look(host: Host, onTrial: boolean): Promise<CommandAnswer> {
  const { loadHealthConfig } = await import('./config/load.ts');
  const { runChecks } = await import('./checks.ts');
  const config = await loadHealthConfig(host.files);
  const findings = await runChecks({ host, network: realNetwork() }, config, false);
  const reason = findings.find(({ ok }) => !ok)?.said;
  const healthy = reason === undefined;
  return { data: { onTrial, healthy, reason, findings }, text: findingsText(findings), healthy };
}

function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings.map(({ check, said }) => `${check.padEnd(width)}  ${said ?? 'ok'}`).join('\n');
}
