import { relative } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** What came of some files. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durations: readonly Duration[];
}

export interface Duration {
  readonly file: string;
  readonly seconds: number;
}

/** Runs test files and tells of them on standard output, as Node's own runner does. */
export async function runFiles(options: NonNullable<Parameters<typeof run>[0]>): Promise<Outcome> {
  const seconds = new Map<string, number>();
  let counts = { passed: 0, failed: 0, skipped: 0 };
  const add = (file: string | undefined, milliseconds: number): void => {
    if (file === undefined) return;
    const name = relative('.', file);
    seconds.set(name, (seconds.get(name) ?? 0) + milliseconds / 1000);
  };
  const events = run(options);
  events.on('test:summary', (summary) => {
    // One summary a file, if each has a process, and one, without a file, of all.
    if (summary.file !== undefined) return add(summary.file, summary.duration_ms);
    const { tests, passed, skipped, todo } = summary.counts;
    counts = { passed, skipped: skipped + todo, failed: tests - passed - skipped - todo };
  });
  if (options.isolation === 'none') {
    for (const name of ['test:pass', 'test:fail'] as const) {
      events.on(name, ({ nesting, file, details }) => {
        if (nesting === 0) add(file, details.duration_ms);
      });
    }
  }
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await finished(report, { writable: false });
  return { ...counts, durations: [...seconds].map(([file, time]) => ({ file, seconds: time })) };
}
