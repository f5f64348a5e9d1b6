import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Host, realHost } from '@cairn/host';
import { describeMachine, loadNow } from '../support/machine.ts';
import type { Usage } from '../support/measure.ts';
import { parseRounds, parseSizes } from '../support/options.ts';
import { formatReport, type ReportPart } from '../support/report.ts';
import { BENCH_CACHE, requirePrograms, runMain, say } from '../support/setup.ts';
import { checkResults } from './check.ts';
import { ensureBenchImage, IMAGE_SIZES, type ImageSize } from './image.ts';
import { measureLimits } from './limits.ts';
import { buildNative, type NativeRun, prepareNative } from './native.ts';
import { buildOurs } from './ours.ts';
import { type Comparison, reportBuild } from './report.ts';
import { ensureTools } from './tools.ts';

const HELP = `Measures \`cairn build\` against mkfs.erofs, veritysetup and systemd-repart, on the same tar, in turn. Needs root.

  --rounds N       how many runs of each side; 5 unless given
  --size SIZE      small, large, or both unless given
  --markdown       print the report as Markdown
`;

async function compareSides(
  host: Host,
  size: ImageSize,
  rounds: number,
  signal: AbortSignal,
): Promise<Comparison> {
  const image = await ensureBenchImage(host, size, signal);
  const tree = await ensureTools(host, signal);
  const work = join(BENCH_CACHE, 'work');
  await host.files.remove(work);
  await host.files.makeDirectory(work);
  try {
    say(`${size} image: a first run of each, which does not count`);
    await buildOurs(host, image.tarFile, work, signal);
    const side = await prepareNative(host, tree, image.tarFile, work, signal);
    await buildNative(host, side, true, signal);
    const limits = await measureLimits(host, image.tarFile, work, signal);
    const ours: Usage[] = [];
    const native: NativeRun[] = [];
    const notFlushing: NativeRun[] = [];
    for (let round = 1; round <= rounds; round++) {
      ours.push(await buildOurs(host, image.tarFile, work, signal));
      native.push(await buildNative(host, side, true, signal));
      notFlushing.push(await buildNative(host, side, false, signal));
      const times = [ours.at(-1), native.at(-1)?.usage, notFlushing.at(-1)?.usage].map(
        (usage) => usage?.seconds,
      );
      say(
        `round ${round}: cairn ${times[0]} s, native ${times[1]} s, not flushing ${times[2]} s (load ${loadNow()})`,
      );
    }
    say('checking what was made');
    const checks = await checkResults(host, tree, work, signal);
    return { image, limits, ours, native, notFlushing, checks };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

await runMain(async (signal) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
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
    '/usr/bin/time',
    '/usr/bin/getfattr',
    '/usr/bin/mmdebstrap',
    '/usr/bin/unshare',
  ]);
  const load = loadNow();
  const parts: ReportPart[] = [];
  for (const size of sizes) {
    parts.push(...reportBuild(await compareSides(host, size, rounds, signal)));
  }
  const style = values.markdown ? 'markdown' : 'text';
  const machine = await describeMachine(host);
  const loads: ReportPart = {
    kind: 'paragraph',
    text: `Load of the machine before: ${load}; after: ${loadNow()}.`,
  };
  process.stdout.write(formatReport([...parts, machine, loads], style));
});
