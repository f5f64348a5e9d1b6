import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { cacheFolder } from '@cairn/host';

/**
 * Runs the tests in phases and closes with one line that counts them all.
 *
 *     node scripts/test.ts fast   under a minute: no virtual machine, no whole program, nothing held against other tools
 *     node scripts/test.ts all    everything
 *     node scripts/test.ts all packages/disk e2e/boot   only files whose path has one of these in it
 */
interface Phase {
  readonly name: string;
  readonly concurrency: number;
  readonly takes: (file: string) => boolean;
}

const isMachine = (file: string) => file.endsWith('.vm.test.ts');
const isHostile = (file: string) => /\.(?:mutation|property)\.test\.ts$/.test(file);
const isSlow = (file: string) => file.endsWith('.slow.test.ts');

const UNIT: Phase = {
  name: 'units',
  concurrency: 2,
  takes: (file) => !isMachine(file) && !isHostile(file) && !isSlow(file),
};
const HOSTILE: Phase = { name: 'generated and hostile input', concurrency: 2, takes: isHostile };
const SLOW: Phase = { name: 'whole builds and foreign tools', concurrency: 1, takes: isSlow };
const MACHINE: Phase = { name: 'virtual machines', concurrency: 2, takes: isMachine };

/** How many of a phase's files are listed with the time that they took. */
const SLOWEST = 12;

/**
 * Each file is a process of its own, and so is each `cairn` that a test starts: what they spend on stripping types and on
 * compiling is half of their start, and is the same each time (Node's documentation, "Module compile cache").
 */
process.env['NODE_COMPILE_CACHE'] ??= join(cacheFolder(process.env), 'compile');

/** A file that hangs must not take CI's whole time with it. */
const FILE_TIMEOUT_MS = 20 * 60_000;

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
  .sort();

let passed = 0;
let failed = 0;
let skipped = 0;
for (const phase of mode === 'fast' ? [UNIT] : [UNIT, HOSTILE, SLOW, MACHINE]) {
  const chosen = files.filter((file) => phase.takes(file));
  if (chosen.length === 0) continue;
  console.log(`\n${phase.name}: ${chosen.length} files`);
  const start = performance.now();
  const durations: { readonly file: string; readonly seconds: number }[] = [];
  const events = run({ files: chosen, concurrency: phase.concurrency, timeout: FILE_TIMEOUT_MS });
  events.on('test:summary', (summary) => {
    // One summary a file, and one, without a file, of all.
    if (summary.file !== undefined) {
      durations.push({ file: relative('.', summary.file), seconds: summary.duration_ms / 1000 });
      return;
    }
    const { tests, skipped: left, todo } = summary.counts;
    passed += summary.counts.passed;
    skipped += left + todo;
    failed += tests - summary.counts.passed - left - todo;
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await finished(report, { writable: false });
  for (const { file, seconds } of durations.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)) {
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
