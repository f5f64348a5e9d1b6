import { parseArgs } from 'node:util';
import { type Host, realHost } from '@cairn/host';
import { describeMachine, loadNow } from '../support/machine.ts';
import { parseRounds } from '../support/options.ts';
import { formatReport, type ReportPart } from '../support/report.ts';
import { requirePrograms, runMain, say } from '../support/setup.ts';
import { BenchMachine, type Boot } from './boots.ts';
import { reportBoots, type SystemBoots } from './report.ts';
import { ensureSystems } from './systems.ts';

const HELP = `Measures boots of a Cairn system and of the same Debian on ext4, in turn, in virtual machines. Needs root.

  --rounds N       how many boots of each system that count; 3 unless given
  --markdown       print the report as Markdown
`;

async function bootInTurn(
  host: Host,
  rounds: number,
  signal: AbortSignal,
): Promise<[SystemBoots, SystemBoots]> {
  const [cairnSystem, plainSystem] = await ensureSystems(host, signal);
  await using cairn = new BenchMachine(host, cairnSystem);
  await using plain = new BenchMachine(host, plainSystem);
  const machines = [cairn, plain] as const;
  const boots = new Map<BenchMachine, Boot[]>(machines.map((machine) => [machine, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const machine of machines) {
      const boot = await machine.boot(signal);
      boots.get(machine)?.push(boot);
      const label = round === 0 ? 'first boot' : `boot ${round + 1}`;
      say(`${machine.system.name}, ${label}: ${boot.timeline.total.toFixed(2)} s (load ${loadNow()})`);
    }
  }
  const resultOf = (machine: BenchMachine): SystemBoots => {
    const [first, ...later] = boots.get(machine) ?? [];
    if (first === undefined) throw new TypeError('every machine was booted');
    return { name: machine.system.name, first, later };
  };
  return [resultOf(cairn), resultOf(plain)];
}

await runMain(async (signal) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = parseRounds(values.rounds);
  const host = realHost();
  await requirePrograms(host, ['/usr/bin/mmdebstrap', '/usr/sbin/mkfs.ext4', '/usr/bin/qemu-system-x86_64']);
  const load = loadNow();
  const [cairn, plain] = await bootInTurn(host, rounds, signal);
  const loads: ReportPart = {
    kind: 'paragraph',
    text: `Load of the machine before: ${load}; after: ${loadNow()}.`,
  };
  const parts = [...reportBoots(cairn, plain), await describeMachine(host), loads];
  process.stdout.write(formatReport(parts, values.markdown ? 'markdown' : 'text'));
});
