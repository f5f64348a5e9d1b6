import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import { HostError } from '../error.ts';
import type { EarlyPrograms, RunResult } from '../types.ts';
import { readHandle } from './file.ts';

const OUTPUT_LIMIT = 64 << 20;
/** What the child of exec(3) exits with where there is no such program. */
const NOT_STARTED = 127;

/**
 * Runs a program to its end. Its output goes to files without a name, which cannot fill as pipes can while nobody reads.
 */
function run(argv: readonly string[]): RunResult {
  const [program] = argv;
  if (program === undefined) throw new HostError('not-found', 'no program was named');
  const stdin = os.open('/dev/null', os.O_RDONLY);
  const stdout = std.tmpfile();
  const stderr = std.tmpfile();
  try {
    const exitCode = os.exec(argv, {
      env: { PATH: std.getenv('PATH') ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
      stdin,
      stdout: stdout.fileno(),
      stderr: stderr.fileno(),
    });
    if (exitCode === NOT_STARTED) throw new HostError('not-found', `the program ${program} is not installed`);
    if (exitCode < 0) throw new HostError('killed', `${program} was ended by signal ${-exitCode}`);
    return { exitCode, stdout: outputOf(program, stdout), stderr: outputOf(program, stderr) };
  } finally {
    os.close(stdin);
    stdout.close();
    stderr.close();
  }
}

function outputOf(program: string, file: std.File): string {
  os.seek(file.fileno(), 0, std.SEEK_SET);
  const bytes = readHandle(`the output of ${program}`, file.fileno(), OUTPUT_LIMIT);
  if (bytes.length <= OUTPUT_LIMIT) return new TextDecoder().decode(bytes);
  throw new HostError('too-large', `${program} printed more than ${OUTPUT_LIMIT} bytes`);
}

export function quickPrograms(): EarlyPrograms {
  return { run: async (argv) => run(argv) };
}
