#!/usr/bin/env node
import { realHost } from '@cairn/host';
import { abortOnSignals } from './errors/signals.ts';
import { closedOutput, ignoreErrors } from './output/closed.ts';
import { runCli } from './program.ts';

const { stdout, stderr, argv } = process;
ignoreErrors(stderr);
using interruption = abortOnSignals(process);
const signal = AbortSignal.any([interruption.signal, closedOutput(stdout)]);
process.exitCode = await runCli(argv.slice(2), { host: realHost(), signal, stdout, stderr });
