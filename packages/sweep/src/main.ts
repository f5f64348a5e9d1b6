import { parseArgs } from 'node:util';
import { CairnError } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { HELP, OPTIONS, sweepProgram } from './program.ts';

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interruption.abort(new Error(`stopped by ${name}`)));
}
try {
  const { values } = parseArgs({ options: OPTIONS, allowPositionals: false });
  if (values.help) console.log(HELP);
  else {
    process.exitCode = await sweepProgram(values, {
      host: realHost(),
      signal: interruption.signal,
      print: (line) => console.log(line),
      note: (line) => console.error(line),
    });
  }
} catch (error) {
  console.error(`sweep: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof CairnError && error.hint !== undefined) console.error(error.hint);
  process.exitCode = 2;
}
