import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CairnError } from '@cairn/bytes';
import { realHost } from '@cairn/host';
import { loadRelease } from '@cairn/release';
import { HELP, OPTIONS, SweepError, sweepProgram, type Values } from '@cairn/sweep';
import { CACHE } from '../support/images.ts';
import { bootInMachine } from './boot.ts';
import { type Recorder, type Recording, recordUpgrade } from './record.ts';
import { recordInstall } from './record-install.ts';

/**
 * `npm run sweep`: records an upgrade in a machine and judges every state that a cut of power could leave. With --base
 * and --log it judges a recording that is there already.
 */
const RECORDERS = { upgrade: recordUpgrade, install: recordInstall } as const satisfies Record<
  string,
  Recorder
>;
type What = keyof typeof RECORDERS;
const note = (line: string) => console.error(line.startsWith('sweep: ') ? line : `sweep: ${line}`);

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interruption.abort(new Error(`stopped by ${name}`)));
}
try {
  const { values, positionals } = parseArgs({
    options: {
      ...OPTIONS,
      again: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(
      `${HELP}

Without --base and --log, \`npm run sweep -- upgrade\` or \`install\` takes the last recording of one, or makes it first: an
upgrade unless said. --again records anew.`,
    );
  } else {
    const { again, ...given } = values;
    const host = realHost();
    const recording: Partial<Recording> =
      given.log === undefined ? await lastRecording(whatOf(positionals), again) : {};
    const { medium, ...images } = recording;
    // Until it is done, an installation leaves a disk that boots nothing.
    const accept = given.accept ?? (medium === undefined ? [] : ['nothing']);
    const all = { ...images, ...given, accept };
    const bootDisk = bootInMachine(host, { rootHashes: await rootHashesOf(all), medium });
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

function whatOf([word = 'upgrade', ...more]: readonly string[]): What {
  if (more.length === 0 && (word === 'upgrade' || word === 'install')) return word;
  throw new SweepError('bad-option', `${[word, ...more].join(' ')}: use upgrade or install`);
}

async function lastRecording(what: What, again: boolean): Promise<Recording> {
  const host = realHost();
  const folder = join(CACHE, 'sweep', what);
  const file = join(folder, 'recording.json');
  const known = again ? undefined : await host.files.readText(file);
  if (known !== undefined) return JSON.parse(known) as Recording;
  await host.files.remove(folder);
  await host.files.makeDirectory(folder);
  const recording = await RECORDERS[what](host, folder, note);
  await host.files.replace(file, `${JSON.stringify(recording, undefined, 2)}\n`);
  return recording;
}
