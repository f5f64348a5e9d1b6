import { fork } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { cacheFolder } from '@cairn/host';
import { type Duration, type Outcome, runFiles } from './test-report.ts';

/**
 * Runs the tests in phases and closes with one line that counts them all.
 *
 *     node scripts/test.ts fast   under a minute: no virtual machine, no whole program, nothing held against other tools
 *     node scripts/test.ts all    everything
 *     node scripts/test.ts all packages/disk e2e/boot   only files whose path has one of these in it
 */
interface Phase {
  readonly name: string;
  /** Processes at a time. */
  readonly concurrency: number;
  /** The files of a package run in one process, one after the other: starting one costs more than most of them do. */
  readonly sharesProcess?: true;
  readonly takes: (file: string) => boolean;
}

const isMachine = (file: string) => file.endsWith('.vm.test.ts');
const isHostile = (file: string) => /\.(?:mutation|property)\.test\.ts$/.test(file);
const isSlow = (file: string) => file.endsWith('.slow.test.ts');

const UNIT: Phase = {
  name: 'units',
  concurrency: 2,
  sharesProcess: true,
  takes: (file) => !isMachine(file) && !isHostile(file) && !isSlow(file),
};
const HOSTILE: Phase = { name: 'generated and hostile input', concurrency: 2, takes: isHostile };
const SLOW: Phase = { name: 'whole builds and foreign tools', concurrency: 1, takes: isSlow };
const MACHINE: Phase = { name: 'virtual machines', concurrency: 2, takes: isMachine };

/** How many of a phase's files are listed with the time that they took. */
const SLOWEST = 12;

/**
 * Most files are processes of their own, and so is each `cairn` that a test starts: what they spend on stripping types and on
 * compiling is half of their start, and is the same each time (Node's documentation, "Module compile cache").
 */
process.env['NODE_COMPILE_CACHE'] ??= join(cacheFolder(process.env), 'compile');

/** A file that hangs must not take CI's whole time with it. */
const FILE_TIMEOUT_MS = 30 * 60_000;

/** For Node, before a test's file. */
const SEEDED = ['--import', join(import.meta.dirname, 'test-seed.ts')];

/** They begin first: the last to begin should not be the one that takes longest, while the other processor has nothing to do. */
const LONG = /^e2e\/(?:upgrade|install|integrity)\//;

const [mode = 'all', ...filters] = process.argv.slice(2);
if (mode !== 'all' && mode !== 'fast') {
  console.error(`test: there is no mode "${mode}": use fast or all`);
  process.exit(2);
}

const files = globSync([
  'packages/*/test/**/*.test.ts',
  'framework/test/**/*.test.ts',
  'bench/test/**/*.test.ts',
  'e2e/**/*.test.ts',
])
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort((a, b) => Number(LONG.test(b)) - Number(LONG.test(a)) || (a < b ? -1 : 1));

/** The files of each package; the largest groups first, so that no long one is left at the end. */
function groupsOf(chosen: readonly string[]): string[][] {
  const groups = Map.groupBy(chosen, (file) => file.slice(0, file.indexOf('/test/') + 1) || 'e2e/');
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

/** Runs files in a process of their own; what they print is shown in one piece. */
async function runGroup(group: readonly string[]): Promise<Outcome> {
  const child = fork(join(import.meta.dirname, 'test-group.ts'), group, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: SEEDED,
    timeout: FILE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let outcome: Outcome | undefined;
  child.on('message', (message) => (outcome = message as Outcome));
  const printed = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const [[code, signal], ...texts] = await Promise.all([once(child, 'exit'), ...printed]);
  process.stdout.write(texts.join(''));
  if (outcome !== undefined && code === 0) return outcome;
  // A crash, or an end by `process.exit`, is no outcome: it counts as a failure whatever was reported before.
  console.log(`the process of ${group.join(' ')} ended with ${code ?? signal}`);
  return { passed: 0, skipped: 0, ...outcome, failed: (outcome?.failed ?? 0) + 1, durations: [] };
}

async function runGroups(phase: Phase, chosen: readonly string[]): Promise<Outcome> {
  const waiting = groupsOf(chosen);
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      outcomes.push(await runGroup(group));
    }
  };
  await Promise.all(Array.from({ length: phase.concurrency }, work));
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, each) => total + of(each), 0);
  return {
    passed: sum((each) => each.passed),
    failed: sum((each) => each.failed),
    skipped: sum((each) => each.skipped),
    durations: outcomes.flatMap(({ durations }): readonly Duration[] => durations),
  };
}

let passed = 0;
let failed = 0;
let skipped = 0;
for (const phase of mode === 'fast' ? [UNIT] : [UNIT, HOSTILE, SLOW, MACHINE]) {
  const chosen = files.filter((file) => phase.takes(file));
  if (chosen.length === 0) continue;
  console.log(`\n${phase.name}: ${chosen.length} files`);
  const start = performance.now();
  const outcome =
    phase.sharesProcess === true
      ? await runGroups(phase, chosen)
      : await runFiles({
          files: chosen,
          concurrency: phase.concurrency,
          timeout: FILE_TIMEOUT_MS,
          execArgv: SEEDED,
        });
  passed += outcome.passed;
  failed += outcome.failed;
  skipped += outcome.skipped;
  for (const { file, seconds } of outcome.durations
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST)) {
    console.log(`${phase.name}: ${seconds.toFixed(1).padStart(6)} s  ${file}`);
  }
  console.log(`${phase.name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

if (passed + failed === 0) {
  console.error('test: no test was run');
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed === 0 ? 0 : 1;
