import { resolve } from 'node:path';
import { runFiles } from './test-report.ts';

/** Runs the files that it is given in this one process, and sends what came of them to the process that started it. */
const outcome = await runFiles({
  files: process.argv.slice(2).map((file) => resolve(file)),
  isolation: 'none',
});
process.send?.(outcome);
process.disconnect?.();
process.exitCode = 0;
