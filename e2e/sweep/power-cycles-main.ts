import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CairnError } from '@cairn/bytes';
import { type Host, realHost, runChecked } from '@cairn/host';
import { SweepError } from '@cairn/sweep';
import { buildRelease } from '../support/build.ts';
import { carryReleases } from '../support/carrier.ts';
import { BOOT_LIMIT_MS, logIn, startNode, temporaryFolder, waitUntilGood } from '../support/node.ts';
import { cutPower, judgeLog, slotsBooted } from './power-cycles.ts';
import { switchOff } from './record.ts';

const HELP = `Cuts the power of a healthy node, again and again: it boots the same slot each time. Needs root.

  npm run power-cycles -- --cycles 10

  --cycles N      how often the power is really cut (10)
  --simulated N   how many cuts are judged besides, at any of the writes that were seen (1000)
  --seed N        of the moments, which are chosen by chance (1)

Exit code 0: always the same slot, and nothing that the boot loader reads was changed; 1: not so; 2: it could not be tried.`;

const AGENT_LIMIT_MS = 600_000;
const ENTRIES =
  'mkdir -p /run/esp && mount -o ro /dev/vda1 /run/esp && ls /run/esp/loader/entries; umount /run/esp';

interface Options {
  readonly cycles: number;
  readonly simulated: number;
  readonly seed: number;
}

const note = (line: string) => console.error(`power-cycles: ${line}`);

/** A node that was upgraded and found good, so that there is another slot that it could boot. */
async function makeNode(host: Host, folder: string): Promise<string> {
  note('building two releases');
  const [old, next] = ['old', 'new'].map((name) => join(folder, name));
  const disk = await buildRelease(host, 'debian-13', old ?? '', { args: ['--version', '1'] });
  await host.files.remove(await buildRelease(host, 'debian-13', next ?? '', { args: ['--version', '2'] }));
  const carrier = await carryReleases(host, folder, ['new']);
  await using machine = await startNode(disk, {
    disks: [{ path: disk, access: 'direct' }, { path: carrier }],
  });
  let guest = await logIn(machine);
  note('an upgrade, which is found good');
  const carried = 'mkdir /run/releases && mount -o ro /dev/vdb /run/releases';
  await guest.output(`${carried} && cairn upgrade /run/releases/new`, { timeoutMs: AGENT_LIMIT_MS });
  await guest.reboot({ timeoutMs: BOOT_LIMIT_MS });
  guest = await logIn(machine);
  await waitUntilGood(guest);
  await switchOff(machine, guest);
  return disk;
}

async function cycle(
  host: Host,
  folder: string,
  { cycles, simulated, seed }: Options,
  signal: AbortSignal,
): Promise<boolean> {
  const disk = await makeNode(host, folder);
  const [base, log] = [join(folder, 'base.raw'), join(folder, 'writes.log')];
  await runChecked(host.programs, ['cp', '--sparse=always', disk, base]);
  await using machine = await startNode(disk, { disks: [{ path: disk, access: 'direct', writeLog: log }] });
  await cutPower(machine, { cycles, seed, note });
  const guest = await logIn(machine);
  const entries = (await guest.output(ENTRIES)).trim().split('\n');
  const slots = slotsBooted(machine.console.transcript);
  await guest.output('sync');
  const { judged, outcomes } = await judgeLog(
    host,
    { base, log, releases: [join(folder, 'new'), join(folder, 'old')] },
    { states: simulated, signal },
  );
  const others = slots.filter((slot) => slot !== 'cairn-b');
  const expected = `new cairn-b cairn-2.conf of ${entries.join(' ')}`;
  const [outcome = 'nothing', ...more] = outcomes.keys();
  const same = more.length === 0 && outcome === expected && entries.join() === 'cairn-1.conf,cairn-2.conf';
  console.log(
    `${cycles} real power cycles: ${slots.length} boots came as far as their root, ${others.length} of another slot; entries afterwards: ${entries.join(', ')}`,
  );
  console.log(
    `${judged} cuts judged, at any of the writes of that time: ${outcomes.size === 1 ? 'all boot' : 'they boot'} ${[...outcomes.keys()].join(' | ')}`,
  );
  return others.length === 0 && slots.length > 0 && same;
}

function numberOf(text: string, option: string): number {
  if (/^[0-9]{1,7}$/.test(text)) return Number(text);
  throw new SweepError('bad-option', `${option} ${text}: must be a number`);
}

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interruption.abort(new Error(`stopped by ${name}`)));
}
try {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '10' },
      simulated: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
  } else {
    const options = {
      cycles: numberOf(values.cycles, '--cycles'),
      simulated: numberOf(values.simulated, '--simulated'),
      seed: numberOf(values.seed, '--seed'),
    };
    await using folder = await temporaryFolder();
    process.exitCode = (await cycle(realHost(), folder.path, options, interruption.signal)) ? 0 : 1;
  }
} catch (error) {
  if (!(error instanceof CairnError) && !(error instanceof TypeError)) throw error;
  note(error.message);
  process.exitCode = 2;
}
