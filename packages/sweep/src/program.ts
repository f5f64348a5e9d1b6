import type { Host, OpenFile } from '@cairn/host';
import { type BootDisk, type Comparison, compareBoots, makeDisk } from './compare.ts';
import { openRelease, type SweepRelease } from './disk/release.ts';
import { SweepError } from './error.ts';
import type { Boots, Firmware } from './judge.ts';
import { type Prepared, prepareSweep, type SweepInput } from './prepare.ts';
import { enterState } from './replay.ts';
import { parseStateId } from './states/id.ts';
import { failureOf, type JudgedState, type Rules, runSweep, type SweepResult } from './states/sweep.ts';

export const HELP = `Judges the states that a cut of power could leave on a disk: none may boot neither the old nor the new release.

  npm run sweep -- --base IMAGE --log FILE --old RELEASE --new RELEASE

  --base IMAGE      the disk before the log, raw
  --log FILE        what was written to it: of QEMU's blklogwrites, or of dm-log-writes
  --old, --new DIR  folders of releases; --old may be left out for an installation
  --known DIR       another release that may be on the disk, also several
  --loader FILE     a boot loader besides those of the releases, also several
  --states N        how many states are judged (100000); all prefixes of the log are, however many
  --seed N          of the states that are chosen by chance (1)
  --firmware KIND   how it finds the loader: fallback, entry, both (both)
  --accept WORD     what a state may boot besides old and new: nothing, recovery, other; also several
  --tries N         how many boots may fail before (0)
  --broken          there may be entries that could not boot, behind the one that does
  --sample N        names N states by chance, of each kind and outcome some, with their verdicts
  --boot N          boots N such states really, and compares: where a virtual machine is to be had
  --json            prints the result as JSON

  --state ID        judges one state only
  --write IMAGE     and makes it as a disk: a copy of the base with what the cut left

Exit code 0: no state fails; 1: some do, or one boots otherwise than it was judged; 2: the sweep could not be made.`;

export const OPTIONS = {
  base: { type: 'string' },
  log: { type: 'string' },
  old: { type: 'string' },
  new: { type: 'string' },
  known: { type: 'string', multiple: true },
  loader: { type: 'string', multiple: true },
  states: { type: 'string', default: '100000' },
  seed: { type: 'string', default: '1' },
  firmware: { type: 'string', default: 'both' },
  accept: { type: 'string', multiple: true },
  tries: { type: 'string', default: '0' },
  broken: { type: 'boolean', default: false },
  sample: { type: 'string', default: '0' },
  boot: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
  state: { type: 'string' },
  write: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** As `parseArgs` gives them. */
export interface Values {
  readonly base?: string;
  readonly log?: string;
  readonly old?: string;
  readonly new?: string;
  readonly known?: readonly string[];
  readonly loader?: readonly string[];
  readonly states: string;
  readonly seed: string;
  readonly firmware: string;
  readonly accept?: readonly string[];
  readonly tries: string;
  readonly broken: boolean;
  readonly sample: string;
  readonly boot: string;
  readonly json: boolean;
  readonly state?: string;
  readonly write?: string;
}

export interface Surroundings {
  readonly host: Host;
  readonly signal: AbortSignal;
  /** The result. */
  readonly print: (line: string) => void;
  /** Undefined where there is no virtual machine to be had. */
  readonly bootDisk?: BootDisk;
  /** What is going on. */
  readonly note: (line: string) => void;
}

/** Gives the exit code. Throws SweepError for what it was given wrong. */
export async function sweepProgram(values: Values, surroundings: Surroundings): Promise<number> {
  const { host, signal } = surroundings;
  const rules = rulesOf(values);
  await using files = new OpenFiles(host);
  const releases: SweepRelease[] = [];
  if (values.old !== undefined) releases.push(await openRelease(host.files, values.old, 'old', signal));
  releases.push(await openRelease(host.files, required(values.new, '--new'), 'new', signal));
  for (const [index, folder] of (values.known ?? []).entries()) {
    releases.push(await openRelease(host.files, folder, `known-${index + 1}`, signal));
  }
  const input: SweepInput = {
    base: await files.open(required(values.base, '--base')),
    log: await files.open(required(values.log, '--log')),
    releases,
    loaders: await Promise.all((values.loader ?? []).map((path) => files.open(path))),
    firmware: firmwareOf(values.firmware),
  };
  // Awaited here, as the files are closed behind.
  if (values.state !== undefined) return await judgeOne(values, values.state, input, rules, surroundings);
  if (values.write !== undefined) throw new SweepError('bad-option', '--write needs --state');
  return await judgeAll(values, input, rules, surroundings);
}

async function judgeAll(
  values: Values,
  input: SweepInput,
  rules: Rules,
  surroundings: Surroundings,
): Promise<number> {
  const { note, print, signal } = surroundings;
  const started = performance.now();
  const prepared = await prepareSweep(input, signal);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const writes = prepared.events.filter(({ kind }) => kind === 'write').length;
  note(`sweep: ${writes} writes in ${prepared.epochs.length} epochs, read in ${seconds} s`);
  const result = await runSweep(prepared, {
    states: numberOf(values.states, '--states'),
    seed: numberOf(values.seed, '--seed'),
    sample: Math.max(numberOf(values.sample, '--sample'), numberOf(values.boot, '--boot')),
    rules,
    signal,
    onProgress: (judged, total, failed) => note(`sweep: ${judged} of ${total} states, ${failed} failed`),
  });
  const comparisons = await bootSample(values, input, prepared, result.sample, surroundings);
  if (values.json)
    print(JSON.stringify({ ...result, outcomes: Object.fromEntries(result.outcomes), comparisons }));
  else for (const line of [...report(result, rules), ...comparisonReport(comparisons)]) print(line);
  return result.failed === 0 && comparisons.every(({ differences }) => differences.length === 0) ? 0 : 1;
}

async function bootSample(
  values: Values,
  { log, releases }: SweepInput,
  prepared: Prepared,
  sample: readonly JudgedState[],
  { host, bootDisk, note, signal }: Surroundings,
): Promise<Comparison[]> {
  const count = numberOf(values.boot, '--boot');
  if (count === 0) return [];
  if (bootDisk === undefined) throw new SweepError('bad-option', '--boot: there is no machine to boot on');
  const base = required(values.base, '--base');
  const input = { base, log, releases, disk: `${base}.booted`, bootDisk };
  const comparisons: Comparison[] = [];
  for await (const comparison of compareBoots(host, prepared, sample.slice(0, count), input, signal)) {
    comparisons.push(comparison);
    note(`sweep: ${comparisons.length} of ${count}: ${comparisonText(comparison)}`);
  }
  return comparisons;
}

function comparisonText({ state, booted, differences }: Comparison): string {
  const { id, kind, verdict } = state;
  const found = differences.length === 0 ? 'as judged' : differences.join('; ');
  return `${id} (${kind}, ${verdict.entry ?? 'no entry'}): boots ${booted}, ${found}`;
}

function comparisonReport(comparisons: readonly Comparison[]): string[] {
  if (comparisons.length === 0) return [];
  const wrong = comparisons.filter(({ differences }) => differences.length > 0);
  const counts = `${comparisons.length - wrong.length} as judged, ${wrong.length} otherwise`;
  return [
    `really booted: ${comparisons.length} states, ${counts}`,
    ...wrong.map((each) => `WRONG: ${comparisonText(each)}`),
  ];
}

async function judgeOne(
  values: Values,
  state: string,
  input: SweepInput,
  rules: Rules,
  { host, note, print, signal }: Surroundings,
): Promise<number> {
  const id = parseStateId(state);
  const prepared = await prepareSweep(input, signal);
  if (values.write !== undefined) {
    const base = required(values.base, '--base');
    await makeDisk(host, prepared, state, { base, log: input.log, disk: values.write }, signal);
    note(`sweep: ${values.write} is state ${state}`);
  }
  enterState(prepared, id);
  const verdict = await prepared.judge.judge();
  const failure = failureOf(verdict, rules);
  if (values.json) print(JSON.stringify({ id: state, verdict, failure }));
  else print(`${state}: boots ${verdict.boots}: ${failure ?? verdict.reason}`);
  return failure === undefined ? 0 : 1;
}

function* report(result: SweepResult, rules: Rules): Generator<string> {
  const { judged, distinct, seconds, epochs, byKind, byBoots, failed, failures, sample, course, last } =
    result;
  const speed = Math.round(judged / Math.max(seconds, 0.001));
  yield `${judged} states in ${epochs} epochs judged in ${seconds.toFixed(1)} s (${speed} a second), ${distinct} different in what matters`;
  yield `by kind: ${countsOf(byKind)}`;
  yield `boots: ${countsOf(byBoots)}`;
  yield `as the log goes on: ${course.map(({ boots, entry }) => (entry === undefined ? boots : `${boots} (${entry})`)).join(', then ')}`;
  yield `with all of the log: ${last.boots} (${last.reason})`;
  for (const { id, verdict } of sample) yield `to be booted: ${id}: ${verdict.boots}, ${verdict.reason}`;
  for (const state of failures) yield* failureLines(state, rules);
  if (failures.length < failed) yield `and ${failed - failures.length} more`;
  yield failed === 0 ? 'no state fails' : `${failed} states FAIL`;
}

function* failureLines({ id, kind, description, verdict }: JudgedState, rules: Rules): Generator<string> {
  yield `FAILED ${id} (${kind}): ${failureOf(verdict, rules)}`;
  yield `  ${description}`;
  yield `  make it: add --state ${id} --write disk.raw`;
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

const ACCEPTABLE: readonly Boots[] = ['nothing', 'recovery', 'other'];

function rulesOf({ accept = [], tries, broken }: Values): Rules {
  const more = accept.map((word) => {
    const found = ACCEPTABLE.find((boots) => boots === word);
    if (found === undefined)
      throw new SweepError('bad-option', `--accept ${word}: use ${ACCEPTABLE.join(', ')}`);
    return found;
  });
  return { accept: ['old', 'new', ...more], tries: numberOf(tries, '--tries'), broken };
}

function firmwareOf(text: string): Firmware {
  if (text === 'fallback' || text === 'entry' || text === 'both') return text;
  throw new SweepError('bad-option', `--firmware ${text}: use fallback, entry or both`);
}

function numberOf(text: string, option: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new SweepError('bad-option', `${option} ${text}: must be a number`);
}

function required(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new SweepError('bad-option', `${option} is missing`, { hint: 'See --help.' });
}

/** Files that are closed at the end, however it comes. */
class OpenFiles implements AsyncDisposable {
  readonly #host: Host;
  readonly #open: OpenFile[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  async open(path: string): Promise<OpenFile> {
    const file = await this.#host.files.open(path, 'read');
    this.#open.push(file);
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#open) await file.close();
  }
}
