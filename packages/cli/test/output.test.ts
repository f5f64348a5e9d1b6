import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheFolder } from '@cairn/host';
import { CliError } from '../src/errors/error.ts';
import { reportOf } from '../src/errors/report.ts';
import { Interrupted } from '../src/errors/signals.ts';
import { layerProgress } from '../src/image/layer-progress.ts';
import { chooseReporter, outputFlags } from '../src/output/choose.ts';
import type { ProgressEvent, Reporter } from '../src/output/reporter.ts';
import { printable, table } from '../src/output/text.ts';

const MIB = 2 ** 20;

class Screen {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(isTTY: boolean, columns: number) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }
}

interface Stage {
  readonly report: Reporter;
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly wait: (milliseconds: number) => void;
}

function stage(
  options: { tty?: boolean; columns?: number; args?: string[]; environment?: Record<string, string> } = {},
): Stage {
  const { tty = false, columns = 100, args = [], environment = {} } = options;
  let now = 5000;
  const stdout = new Screen(tty, columns);
  const stderr = new Screen(tty, columns);
  const flags = outputFlags(args, environment);
  const report = chooseReporter(
    { stdout, stderr },
    { ...flags, command: 'test', environment, now: () => now },
  );
  return {
    report,
    stdout,
    stderr,
    wait(milliseconds) {
      now += milliseconds;
    },
  };
}

/** A phase of a thousand events in ten seconds. */
function runPhase({ report, wait }: Stage): void {
  for (let step = 0; step <= 1000; step++) {
    report.progress({ phase: 'root', done: step * 100_000, total: 100_000_000 });
    if (step < 1000) wait(10);
  }
}

test('on a terminal a phase is one line, drawn ten times a second at most, never wider than it', () => {
  const run = stage({ tty: true, columns: 40, environment: { NO_COLOR: '1' } });
  runPhase(run);
  run.report.progress({ phase: 'uki' });
  run.report.summary({ data: {}, text: 'done' });
  const drawn = run.stderr.text.split('\r\x1b[K').slice(1);
  assert.ok(drawn.length >= 95 && drawn.length <= 105, `${drawn.length} times`);
  for (const line of drawn) assert.ok((line.split('\n')[0] ?? '').length < 40, line);
  assert.ok(drawn.some((line) => line.startsWith('root       [##########..........] 5')));
  assert.equal(run.stderr.text.split('\n').length, 3, 'one line a phase');
  assert.match(run.stderr.text, /root {6}95\.4 MiB in 10\.0 s \(9\.5 MiB\/s/);
  assert.equal(run.stdout.text, 'done\n');
});

test('a warning and an error do not mix with the line that is drawn', () => {
  const run = stage({ tty: true, environment: { NO_COLOR: '1' } });
  run.report.progress({ phase: 'root', done: 1, total: 2 });
  run.report.warning('beware');
  run.report.progress({ phase: 'root', done: 2, total: 2 });
  run.report.error(reportOf(new CliError('not-found', 'it is gone', { hint: 'Look for it.' })));
  const lines = run.stderr.text.split('\n').map((line) => line.slice(line.lastIndexOf('\r\x1b[K') + 4));
  assert.ok(run.stderr.text.includes('\r\x1b[Kcairn: warning: beware\n'));
  assert.equal(lines.at(-1), '');
  assert.ok(run.stderr.text.endsWith('cairn: it is gone\nhint: Look for it.\n'));
});

test('colors are for terminals, and only where NO_COLOR is not set', () => {
  const warn = (options: Parameters<typeof stage>[0]) => {
    const run = stage(options);
    run.report.warning('x');
    return run.stderr.text;
  };
  assert.ok(warn({ tty: true }).includes('\x1b[33m'));
  assert.ok(!warn({ tty: true, environment: { NO_COLOR: '1' } }).includes('\x1b'));
  assert.ok(!warn({ tty: false }).includes('\x1b'));
  assert.ok(!warn({ tty: true, environment: { TERM: 'dumb' } }).includes('\x1b'));
});

test('in a pipe a phase is one line when it has ended', () => {
  const run = stage();
  runPhase(run);
  run.report.progress({ phase: 'uki', note: 'small' });
  run.wait(200);
  run.report.summary({ data: {}, text: 'done' });
  assert.equal(run.stderr.text, 'root      95.4 MiB in 10.0 s (9.5 MiB/s)\nuki       0.2 s  small\n');
});

test('quiet leaves warnings, errors, and what was asked for', () => {
  for (const tty of [true, false]) {
    const run = stage({ tty, args: ['-q'], environment: { NO_COLOR: '1' } });
    runPhase(run);
    run.report.warning('beware');
    run.report.summary({ data: {}, text: 'summary' });
    run.report.answer({ data: {}, text: 'answer' });
    assert.equal(run.stderr.text.replaceAll('\r\x1b[K', ''), 'cairn: warning: beware\n');
    assert.equal(run.stdout.text, 'answer\n');
  }
});

test('events: at most ten a second, each a line, and lists have a name', () => {
  const run = stage({ tty: true, args: ['--json'] });
  runPhase(run);
  run.report.warning('two\nlines');
  run.report.answer({ data: ['a'], text: 'a' });
  assert.equal(run.stderr.text, '');
  const events = run.stdout.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const progress = events.filter(({ event }) => event === 'progress');
  assert.ok(progress.length <= 103, `${progress.length}`);
  assert.deepEqual(progress.at(-1), {
    event: 'progress',
    state: 'end',
    phase: 'root',
    done: 100_000_000,
    total: 100_000_000,
    seconds: 10,
    bytesPerSecond: 10_000_000,
  });
  assert.deepEqual(events.slice(-2), [
    {
      event: 'progress',
      state: 'end',
      phase: 'root',
      done: 1e8,
      total: 1e8,
      seconds: 10,
      bytesPerSecond: 1e7,
    },
    { event: 'result', command: 'test', items: ['a'] },
  ]);
  assert.ok(events.some(({ message }) => message === 'two\nlines'));
});

test('options after -- are no flags', () => {
  assert.deepEqual(outputFlags(['ls', '--', '--json', '-q'], {}), {
    json: false,
    quiet: false,
    debug: false,
  });
  assert.equal(outputFlags([], { CAIRN_DEBUG: '1' }).debug, true);
});

test('an error that nobody expected is called a bug; its stack is for those who debug', () => {
  const report = reportOf(new TypeError('x is not a function'));
  assert.equal(report.exitCode, 1);
  assert.equal(report.message, 'this is a bug in Cairn: x is not a function');
  const quiet = stage();
  quiet.report.error(report);
  assert.doesNotMatch(quiet.stderr.text, /\n +at /);
  const debugged = stage({ args: ['--debug'] });
  debugged.report.error(report);
  assert.match(debugged.stderr.text, /TypeError: x is not a function\n +at /);
  assert.equal(reportOf(new Interrupted('interrupted by SIGTERM', 143)).exitCode, 143);
});

test('text from outside cannot move the cursor', () => {
  assert.equal(printable('a\x1b[2Jb\nc\u202Ed\u009b'), 'a\\x1b[2Jb\\x0ac\\u{202e}d\\x9b');
  assert.equal(printable('ä 漢 ok'), 'ä 漢 ok');
  const run = stage();
  run.report.error(reportOf(new CliError('not-found', 'no \x1b]0;title\x07', { hint: '\r' })));
  assert.equal(run.stderr.text, 'cairn: no \\x1b]0;title\\x07\nhint: \\x0d\n');
});

test('a table', () => {
  assert.equal(
    table([
      ['a', 1, 'x'],
      ['long', 20, 'yy'],
    ]),
    'a      1  x\nlong  20  yy',
  );
  assert.equal(table([]), '');
});

test('layers side by side become one phase after the other', () => {
  const events: ProgressEvent[] = [];
  const report = { progress: (event: ProgressEvent) => void events.push(event) } as unknown as Reporter;
  const layers = [
    { name: 'one', size: 10 * MIB },
    { name: 'two', size: 30 * MIB },
  ];
  const progress = layerProgress(report, { layers } as unknown as Parameters<typeof layerProgress>[1]);
  progress({ step: 'fetch', name: 'one', done: 10 * MIB, total: 10 * MIB });
  progress({ step: 'unpack', name: 'one', done: 5 * MIB, total: 10 * MIB });
  progress({ step: 'fetch', name: 'two', done: 30 * MIB, total: 30 * MIB });
  progress({ step: 'unpack', name: 'one', done: 10 * MIB, total: 10 * MIB });
  progress({ step: 'unpack', name: 'two', done: 30 * MIB, total: 30 * MIB });
  const total = 40 * MIB;
  assert.deepEqual(events, [
    { phase: 'pull', done: 10 * MIB, total },
    { phase: 'pull', done: 10 * MIB, total },
    { phase: 'unpack', done: 5 * MIB, total },
    { phase: 'unpack', done: 10 * MIB, total },
    { phase: 'unpack', done: total, total },
    { phase: 'merge' },
  ]);
});

test('the cache is where the environment says', () => {
  assert.equal(cacheFolder({ CAIRN_CACHE: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' }), '/c');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/h' }), '/x/cairn');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: 'relative', HOME: '/h' }), '/h/.cache/cairn');
});
