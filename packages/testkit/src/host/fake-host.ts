import { join } from 'node:path';
import type { Files, Host, HostError, RunOptions, RunResult } from '@cairn/host';
import { realFiles } from '@cairn/host';

export type FakeProgram = (
  argv: readonly string[],
  options: RunOptions,
) => Partial<RunResult> | Promise<Partial<RunResult>>;

export interface FakeHostOptions {
  /** The folder that is `/` for the code under test. */
  readonly root: string;
  /** What each program does, by its name; one that is not here is "not installed". */
  readonly programs?: Readonly<Record<string, FakeProgram>>;
  /** Asked before each operation on a file: an error that it gives is thrown instead. */
  readonly fault?: (operation: string, path: string) => HostError | undefined;
}

export interface FakeHost extends Host {
  /** Every program that was run, with its arguments. */
  readonly runs: readonly (readonly string[])[];
}

/** A machine whose root is a folder, whose programs are functions, and whose clock stands still until it is slept on. */
export function fakeHost(options: FakeHostOptions): FakeHost {
  const runs: (readonly string[])[] = [];
  let now = 1_750_000_000_000;
  async function run(argv: readonly string[], runOptions: RunOptions = {}): Promise<RunResult> {
    runs.push(argv);
    const program = options.programs?.[argv[0] ?? ''];
    if (program === undefined) return { exitCode: 127, stdout: '', stderr: `${argv[0]}: not found` };
    return { exitCode: 0, stdout: '', stderr: '', ...(await program(argv, runOptions)) };
  }
  return {
    runs,
    files: filesBelow(options),
    programs: {
      run,
      async *stream(argv, runOptions) {
        yield new TextEncoder().encode((await run(argv, runOptions)).stdout);
      },
    },
    clock: {
      now: () => now,
      monotonic: () => now,
      async sleep(milliseconds) {
        now += milliseconds;
      },
    },
    environment: {},
  };
}

/** Real files, with every path taken as one below `root` and every operation open to faults. */
function filesBelow({ root, fault }: FakeHostOptions): Files {
  const real = realFiles();
  const below = (operation: string, path: string) => {
    const error = fault?.(operation, path);
    if (error !== undefined) throw error;
    return join(root, path);
  };
  return {
    open: async (path, mode) => real.open(below('open', path), mode),
    stat: async (path) => real.stat(below('stat', path)),
    lstat: async (path) => real.lstat(below('lstat', path)),
    read: async (path, limit) => real.read(below('read', path), limit),
    readText: async (path, limit) => real.readText(below('read', path), limit),
    readLink: async (path) => real.readLink(below('readLink', path)),
    replace: async (path, content, mode) => real.replace(below('replace', path), content, mode),
    write: async (path, content, mode) => real.write(below('write', path), content, mode),
    list: async (path) => real.list(below('list', path)),
    makeDirectory: async (path, mode) => real.makeDirectory(below('makeDirectory', path), mode),
    symlink: async (target, path) => real.symlink(target, below('symlink', path)),
    setOwner: async (path, uid, gid) => real.setOwner(below('setOwner', path), uid, gid),
    setMode: async (path, mode) => real.setMode(below('setMode', path), mode),
    sync: async (path) => real.sync(below('sync', path)),
    space: async (path) => real.space(below('space', path)),
    rename: async (from, to) => real.rename(below('rename', from), join(root, to)),
    remove: async (path) => real.remove(below('remove', path)),
  };
}
