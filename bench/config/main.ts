import { parseArgs } from 'node:util';
import { formatBytes } from '@cairn/bytes';
import { combine, configShape, hasErrors, readConfig } from '@cairn/config';
import { realHost } from '@cairn/host';
import { BenchError } from '../support/error.ts';
import { describeMachine, loadNow } from '../support/machine.ts';
import { parseRounds } from '../support/options.ts';
import { formatReport } from '../support/report.ts';
import { runMain, say } from '../support/setup.ts';
import { median } from '../support/statistics.ts';
import { makeCorpus } from './corpus.ts';

const HELP = `Reads, checks and merges 1,000 configurations of a usual size, in one process.

  --rounds N       how often; 5 unless given
  --markdown       print the report as Markdown
`;

const FILES = 1000;
/** What is asked for: all of it, the first time too. */
const LIMIT_SECONDS = 2;

/** Seconds of one round. */
interface Round {
  readonly validate: number;
  readonly merge: number;
  /** Of the processors, for both: where other work disturbs the clock it is the steadier figure. */
  readonly processor: number;
}

function runRound(): Round {
  const sources = makeCorpus(FILES);
  const before = process.cpuUsage();
  const started = performance.now();
  const shape = configShape();
  const files = sources.map((source) => readConfig(source, shape));
  const validated = performance.now();
  const { tree, diagnostics } = combine(files, shape);
  const merged = performance.now();
  if (tree === undefined || hasErrors(diagnostics)) {
    throw new BenchError('bad-measurement', 'the configurations that are measured are not good');
  }
  const { user, system } = process.cpuUsage(before);
  return {
    validate: (validated - started) / 1000,
    merge: (merged - validated) / 1000,
    processor: (user + system) / 1e6,
  };
}

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = Array.from({ length: parseRounds(values.rounds) }, runRound);
  const [first] = rounds;
  if (first === undefined) throw new BenchError('usage', 'there was no round');
  const bytes = makeCorpus(FILES).reduce((sum, { text }) => sum + text.length, 0);
  const row = (name: string, of: (round: Round) => number) => [
    name,
    `${of(first).toFixed(2)} s`,
    `${median(rounds.map(of)).toFixed(2)} s`,
  ];
  const report = formatReport(
    [
      await describeMachine(realHost()),
      {
        kind: 'paragraph',
        text: `${FILES} files, ${formatBytes(bytes)}; ${rounds.length} rounds, load ${loadNow()}.`,
      },
      {
        kind: 'table',
        headings: ['', 'first', 'median'],
        rows: [
          row('read and check', ({ validate }) => validate),
          row('merge', ({ merge }) => merge),
          row('both', ({ validate, merge }) => validate + merge),
          row('processor time', ({ processor }) => processor),
        ],
      },
    ],
    values.markdown ? 'markdown' : 'text',
  );
  process.stdout.write(report);
  const worst = first.validate + first.merge;
  if (worst > LIMIT_SECONDS) {
    say(`the first round took ${worst.toFixed(2)} s, and ${LIMIT_SECONDS} s are asked for`);
    process.exitCode = 1;
  }
});
