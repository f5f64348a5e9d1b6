import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Host, realHost } from '@cairn/host';
import { IMAGE_SIZES, type ImageSize } from '../build/image.ts';
import { describeMachine, loadNow } from '../support/machine.ts';
import { parseRounds, parseSizes } from '../support/options.ts';
import { formatReport, type ReportPart } from '../support/report.ts';
import { requirePrograms, runMain, say } from '../support/setup.ts';
import { measureUpgrade, SIDES, saveNode, type UpgradeCost } from './node.ts';
import { reportUpgrade, type SideCosts } from './report.ts';
import { ensureUpgradeSystem } from './systems.ts';

const HELP = `Measures \`cairn upgrade\` against an upgrade as Kairos does it, in the same virtual machine, in turn. Needs root.

  --rounds N       how many upgrades of each side; 3 unless given
  --size SIZE      small, large, or both unless given
  --markdown       print the report as Markdown
`;

async function compareSides(
  host: Host,
  size: ImageSize,
  rounds: number,
  signal: AbortSignal,
): Promise<ReportPart[]> {
  const system = await ensureUpgradeSystem(host, size, signal);
  const saved = await mkdtemp(join(tmpdir(), 'cairn-bench-'));
  try {
    say(`${size}: booting the node`);
    await saveNode(system, saved, signal);
    const sides: (SideCosts & { readonly costs: UpgradeCost[] })[] = SIDES.map((name) => ({
      name,
      costs: [],
    }));
    for (let round = 1; round <= rounds; round++) {
      for (const [index, name] of SIDES.entries()) {
        const cost = await measureUpgrade(saved, name, signal);
        sides[index]?.costs.push(cost);
        const figures = `${cost.seconds} s, ${cost.cpuSeconds.toFixed(1)} s of CPU, ${cost.written} bytes written`;
        say(`${size}, round ${round}, ${name}: ${figures} (load ${loadNow()})`);
      }
    }
    const [theirs] = sides.splice(-1);
    if (theirs === undefined) throw new TypeError('Kairos’ side is the last');
    return reportUpgrade({ ...system, ours: sides, theirs });
  } finally {
    await rm(saved, { recursive: true, force: true });
  }
}

await runMain(async (signal) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      size: { type: 'string', default: 'both' },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = parseRounds(values.rounds);
  const sizes = parseSizes(values.size, IMAGE_SIZES);
  const host = realHost();
  await requirePrograms(host, [
    '/usr/bin/mmdebstrap',
    '/usr/sbin/mkfs.ext4',
    '/usr/bin/qemu-system-x86_64',
    '/usr/bin/skopeo',
  ]);
  const load = loadNow();
  const parts: ReportPart[] = [];
  for (const size of sizes) parts.push(...(await compareSides(host, size, rounds, signal)));
  const loads: ReportPart = {
    kind: 'paragraph',
    text: `Load of the machine before: ${load}; after: ${loadNow()}.`,
  };
  const machine = await describeMachine(host);
  process.stdout.write(formatReport([...parts, machine, loads], values.markdown ? 'markdown' : 'text'));
});
