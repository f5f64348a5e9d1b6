import { join } from 'node:path';
import { CairnError } from '@cairn/bytes';
import type { Host } from '@cairn/host';
import { CACHE } from '../../e2e/support/images.ts';
import { BenchError } from './error.ts';

/** All that the benchmarks keep; may be removed at any time. */
export const BENCH_CACHE = join(CACHE, 'bench');

/** Debian's packages for the programs that a benchmark runs. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  '/usr/bin/time': 'time',
  '/usr/bin/getfattr': 'attr',
  '/usr/bin/mmdebstrap': 'mmdebstrap',
  '/usr/bin/skopeo': 'skopeo',
  '/usr/bin/unshare': 'util-linux',
  '/usr/sbin/mkfs.ext4': 'e2fsprogs',
  '/usr/bin/qemu-system-x86_64': 'qemu-system-x86',
};

/**
 * Says at once what is missing, instead of after some minutes.
 *
 * @throws BenchError `not-root`, `missing-program`
 */
export async function requirePrograms(host: Host, programs: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new BenchError('not-root', 'this benchmark mounts, and unpacks files of other owners', {
      hint: 'Run it as root.',
    });
  }
  const missing: string[] = [];
  for (const program of programs) {
    if ((await host.files.stat(program)) === undefined) missing.push(program);
  }
  if (missing.length === 0) return;
  throw new BenchError('missing-program', `there is no ${missing.join(', no ')}`, {
    hint: `apt-get install ${missing.map((program) => PACKAGE_OF[program] ?? program).join(' ')}`,
  });
}

/** Removes what was kept of another version of a recipe: each takes hundreds of megabytes. */
export async function removeKept(host: Host, prefix: string): Promise<void> {
  for (const name of await host.files.list(BENCH_CACHE)) {
    if (name.startsWith(prefix)) await host.files.remove(join(BENCH_CACHE, name));
  }
}

/** A line for who waits. Figures go to standard output, this to standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs a benchmark until it is done or interrupted; what goes wrong is told as a sentence. */
export async function runMain(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => interruption.abort(new Error(`interrupted by ${name}`)));
  }
  try {
    await main(interruption.signal);
  } catch (error) {
    const cause: unknown = interruption.signal.aborted ? interruption.signal.reason : error;
    say(cause instanceof Error ? `bench: ${cause.message}` : String(cause));
    if (cause instanceof CairnError && cause.hint !== undefined) say(cause.hint);
    else if (!(cause instanceof CairnError) && cause instanceof Error) say(cause.stack ?? '');
    process.exitCode = 1;
  }
}
