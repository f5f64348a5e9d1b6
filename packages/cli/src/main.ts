#!/usr/bin/env node
import { setImmediate as nextTurn } from 'node:timers/promises';
import { realHost } from '@cairn/host';
import { reportOf } from './errors/report.ts';
import { abortOnSignals } from './errors/signals.ts';
import { closedOutput, ignoreErrors } from './output/closed.ts';
import { errorText } from './output/plain.ts';
import { runCli } from './program.ts';

const { stdout, stderr, argv } = process;
ignoreErrors(stderr);
const output = closedOutput(stdout);
using interruption = abortOnSignals(process);
const signal = AbortSignal.any([interruption.signal, output]);
process.exitCode = await runCli(argv.slice(2), { host: realHost(), signal, stdout, stderr });
// The stream tells of a failed write a turn later, which for the last one is after the work.
await nextTurn();
if (output.aborted && process.exitCode === 0) {
  const report = reportOf(output.reason);
  stderr.write(errorText(report, false));
  process.exitCode = report.exitCode;
}
