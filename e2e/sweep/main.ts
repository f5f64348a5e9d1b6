import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CairnError } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import { HELP, OPTIONS, sweepProgram, type Values } from '@cairn/sweep';
import { CACHE } from '../support/images.ts';
import { bootInMachine } from './boot.ts';
import { type Recording, recordUpgrade } from './record.ts';

/**
 * `npm run sweep`: records an upgrade in a machine and judges every state that a cut of power could leave. With --base
 * and --log it judges a recording that is there already.
 */
const FOLDER = join(CACHE, 'sweep');
const note = (line: string) => console.error(line.startsWith('sweep: ') ? line : `sweep: ${line}`);

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interruption.abort(new Error(`stopped by ${name}`)));
}
try {
  const { values } = parseArgs({
    options: { ...OPTIONS, again: { type: 'boolean', default: false } },
    allowPositionals: false,
  });
  if (values.help) {
    console.log(
      `${HELP}\n\nWithout --base and --log it records an upgrade first, or takes the last recording; --again records anew.`,
    );
  } else {
    const { again, ...given } = values;
    const host = realHost();
    const recording = given.log === undefined ? await lastRecording(again) : {};
    const all = { ...recording, ...given };
    const bootDisk = bootInMachine(await rootHashesOf(all));
    process.exitCode = await sweepProgram(all, {
      host,
      bootDisk,
      signal: interruption.signal,
      print: (line) => console.log(line),
      note,
    });
  }
} catch (error) {
  console.error(`sweep: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof CairnError && error.hint !== undefined) console.error(error.hint);
  process.exitCode = 2;
}

/** Of the releases in these folders; one that is not there is told of later. */
async function rootHashesOf({
  old,
  new: next,
  known = [],
}: Pick<Values, 'old' | 'new' | 'known'>): Promise<string[]> {
  const folders = [old, next, ...known].filter((folder) => folder !== undefined);
  const { files } = realHost();
  const loaded = await Promise.allSettled(folders.map((folder) => loadRelease(files, folder)));
  return loaded.flatMap((each) => (each.status === 'fulfilled' ? [each.value.root.rootHash] : []));
}

async function lastRecording(again: boolean): Promise<Recording> {
  const host = realHost();
  const file = join(FOLDER, 'recording.json');
  const known = again ? undefined : await host.files.readText(file);
  if (known !== undefined) return JSON.parse(known) as Recording;
  await host.files.remove(FOLDER);
  await host.files.makeDirectory(FOLDER);
  const recording = await recordUpgrade(host, FOLDER, note);
  await host.files.replace(file, `${JSON.stringify(recording, undefined, 2)}\n`);
  return recording;
}
