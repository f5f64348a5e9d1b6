import type { Boots, Verdict } from '../judge.ts';
import type { Prepared } from '../prepare.ts';
import { mulberry32, seedOf } from '../random.ts';
import { Chooser } from './choose.ts';
import { dealStates, type Epoch } from './epoch.ts';
import { formatStateId } from './id.ts';
import { type Cut, cutOf, type StateKind } from './sample.ts';

export interface SweepOptions {
  /** How many states are judged; all prefixes of the log are, however many they are. 100,000 unless given. */
  readonly states?: number;
  /** 1 unless given. */
  readonly seed?: number;
  readonly rules?: Rules;
  /** How many failures are told in full. 20 unless given. */
  readonly failures?: number;
  /** How many states are chosen to be booted really: see Chooser. None unless given. */
  readonly sample?: number;
  readonly onProgress?: (judged: number, total: number, failed: number) => void;
  readonly signal?: AbortSignal;
}

/** What is let pass. */
export interface Rules {
  /** What a state may boot: the old or the new release, whole, unless given. An installation begins with `nothing`. */
  readonly accept?: readonly Boots[];
  /** How many boots may fail before that: none unless given. */
  readonly tries?: number;
  /** Whether there may be entries that could not boot behind the one that does: not unless given. */
  readonly broken?: boolean;
}

export interface JudgedState {
  readonly id: string;
  readonly kind: StateKind;
  /** What the cut left, for people. */
  readonly description: string;
  readonly verdict: Verdict;
}

export interface SweepResult {
  readonly judged: number;
  readonly byKind: Readonly<Record<StateKind, number>>;
  readonly byBoots: Readonly<Record<Boots, number>>;
  /** How many states come to the same: what boots, from which slot, by which entry, and which entries there are then. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** States that differ in what is watched, and so were judged anew. */
  readonly distinct: number;
  readonly epochs: number;
  readonly failed: number;
  /** The first ones. */
  readonly failures: readonly JudgedState[];
  /** Of each kind and outcome some, by chance: to be booted really. */
  readonly sample: readonly JudgedState[];
  /** What the disk boots as the log goes on, each time that this changes. */
  readonly course: readonly Turn[];
  /** What is on the disk when all was written. */
  readonly last: Verdict;
  readonly seconds: number;
}

/** From so many entries of the log on, the disk boots this. */
export interface Turn {
  readonly entries: number;
  readonly boots: Boots;
  readonly entry: string | undefined;
}

/** Why a verdict fails the proof; undefined where it does not. */
export function failureOf(verdict: Verdict, rules: Rules = {}): string | undefined {
  const { accept = ['old', 'new'], tries = 0, broken = false } = rules;
  if (!accept.includes(verdict.boots)) return `boots ${verdict.boots}: ${verdict.reason}`;
  if (verdict.slot === 'cairn-recovery' && !accept.includes('recovery'))
    return `only recovery holds it: ${verdict.reason}`;
  if (verdict.afterTries > tries) return `${verdict.afterTries} boots fail first: ${verdict.reason}`;
  if (!broken && verdict.broken.length > 0)
    return `the menu has what cannot boot: ${verdict.broken.join('; ')}`;
  return undefined;
}

/**
 * Judges all prefixes of a log, and cuts in each of its epochs. Afterwards the model of `prepared` is the disk with all of the log,
 * so it serves for one sweep.
 */
export async function runSweep(prepared: Prepared, options: SweepOptions = {}): Promise<SweepResult> {
  const { states = 100_000, seed = 1, signal } = options;
  const started = performance.now();
  const { model, judge, epochs } = prepared;
  const prefixes = 1 + epochs.reduce((sum, { writes }) => sum + writes.length, 0);
  const dealt = dealStates(epochs, states - prefixes);
  const total = prefixes + dealt.reduce((sum, count) => sum + count, 0);
  const tally = new Tally(options, seed, total);
  const course: Turn[] = [];
  const base = await judge.judge();
  tally.add('prefix-0', 'prefix', () => 'nothing of the log', base);
  noteTurn(course, 0, base);
  for (const epoch of epochs) {
    for (let number = 0; number < (dealt[epoch.number] ?? 0); number++) {
      const cut = cutOf(epoch, number, seed);
      model.mark();
      for (const { write, ranges } of cut.picks) model.apply(write, ranges);
      const verdict = await judge.judge();
      model.restore();
      const id = formatStateId({ kind: 'cut', epoch: epoch.number, number, seed });
      tally.add(id, cut.kind, () => describeCut(epoch, cut), verdict);
      if (number % 256 === 0) signal?.throwIfAborted();
    }
    for (const write of epoch.writes) {
      model.apply(write);
      const entries = write.entry + 1;
      const verdict = await judge.judge();
      tally.add(`prefix-${entries}`, 'prefix', () => `the first ${entries} entries of the log`, verdict);
      noteTurn(course, entries, verdict);
    }
    tally.closeEpoch();
    signal?.throwIfAborted();
  }
  const seconds = (performance.now() - started) / 1000;
  return {
    ...tally.result(),
    distinct: judge.distinct,
    epochs: epochs.length,
    course,
    last: await judge.judge(),
    seconds,
  };
}

function noteTurn(course: Turn[], entries: number, { boots, entry }: Verdict): void {
  const before = course.at(-1);
  if (before?.boots !== boots || before.entry !== entry) course.push({ entries, boots, entry });
}

/** What a cut left, in the numbers of the log's entries. */
export function describeCut(epoch: Epoch, cut: Cut): string {
  const first = epoch.writes[0]?.entry ?? 0;
  const last = epoch.writes.at(-1)?.entry ?? 0;
  const shown = cut.picks.slice(0, 12).map(({ write, ranges }) => {
    if (ranges === undefined) return String(write.entry);
    const pieces = [];
    for (let at = 0; at < ranges.length && at < 8; at += 2)
      pieces.push(`${ranges[at]}-${(ranges[at + 1] ?? 1) - 1}`);
    return `${write.entry} (of its ${write.sectors} sectors ${pieces.join(', ')}${ranges.length > 8 ? ', …' : ''})`;
  });
  const more = cut.picks.length > 12 ? ` and ${cut.picks.length - 12} more` : '';
  const left = cut.picks.length === 0 ? 'none' : `${shown.join(', ')}${more}`;
  const begun = `${cut.begun} of ${epoch.relevant.length} begun`;
  return `cut in entries ${first} to ${last}, which no flush ended (${begun}); left of them: ${left}`;
}

class Tally {
  readonly #options: SweepOptions;
  readonly #total: number;
  readonly #byKind: Record<StateKind, number> = { prefix: 0, dropped: 0, reordered: 0, torn: 0 };
  readonly #byBoots: Record<Boots, number> = {
    old: 0,
    new: 0,
    other: 0,
    recovery: 0,
    nothing: 0,
    stuck: 0,
  };
  readonly #outcomes = new Map<string, number>();
  readonly #failures: JudgedState[] = [];
  readonly #chooser: Chooser;
  #judged = 0;
  #failed = 0;

  constructor(options: SweepOptions, seed: number, total: number) {
    this.#options = options;
    this.#total = total;
    this.#chooser = new Chooser(options.sample ?? 0, mulberry32(seedOf(seed, 0x5a3b1e)));
  }

  add(id: string, kind: StateKind, describe: () => string, verdict: Verdict): void {
    const { rules, failures = 20, onProgress } = this.#options;
    this.#judged++;
    this.#byKind[kind]++;
    this.#byBoots[verdict.boots]++;
    const { boots, slot = '-', entry = '-', entries } = verdict;
    const outcome = `${boots} ${slot} ${entry} of ${entries.join(' ')}`;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (failureOf(verdict, rules) !== undefined) {
      this.#failed++;
      if (this.#failures.length < failures) {
        this.#failures.push({ id, kind, description: describe(), verdict });
      }
    }
    this.#chooser.offer(kind, verdict, () => ({ id, kind, description: describe(), verdict }));
    if (this.#judged % 2048 === 0) onProgress?.(this.#judged, this.#total, this.#failed);
  }

  closeEpoch(): void {
    this.#chooser.closeEpoch();
  }

  result(): Omit<SweepResult, 'distinct' | 'epochs' | 'course' | 'last' | 'seconds'> {
    return {
      judged: this.#judged,
      byKind: this.#byKind,
      byBoots: this.#byBoots,
      outcomes: this.#outcomes,
      failed: this.#failed,
      failures: this.#failures,
      sample: this.#chooser.chosen(),
    };
  }
}
