import type { Verdict } from '../judge.ts';
import type { Random } from '../random.ts';
import type { JudgedState } from './sweep.ts';

/** Some of many, each with the same chance, though how many there are is not known before (reservoir sampling). */
class Reservoir {
  readonly chosen: (() => JudgedState)[] = [];
  readonly #size: number;
  #seen = 0;

  constructor(size: number) {
    this.#size = size;
  }

  offer(state: () => JudgedState, random: Random): void {
    this.#seen++;
    const place = this.chosen.length < this.#size ? this.chosen.length : random() % this.#seen;
    if (place < this.#size) this.chosen[place] = state;
  }
}

/**
 * Chooses the states that are booted really: as many of each kind and of each outcome, and first of all those of the
 * epochs that decide, where a cut leaves one outcome or another. States of an epoch are much alike: each gives one of a kind and an outcome
 * at most.
 */
export class Chooser {
  readonly #count: number;
  readonly #random: Random;
  /** Of the epoch that is judged now, by kind and outcome. */
  #epoch = new Map<string, Reservoir>();
  #outcomes = new Set<string>();
  readonly #deciding = new Map<string, Reservoir>();
  readonly #others = new Map<string, Reservoir>();

  constructor(count: number, random: Random) {
    this.#count = count;
    this.#random = random;
  }

  offer(kind: JudgedState['kind'], verdict: Verdict, state: () => JudgedState): void {
    if (this.#count === 0) return;
    const outcome = `${verdict.boots} ${verdict.entry ?? ''}`;
    this.#outcomes.add(outcome);
    reservoirOf(this.#epoch, `${kind} ${outcome}`, 1).offer(state, this.#random);
  }

  closeEpoch(): void {
    const strata = this.#outcomes.size > 1 ? this.#deciding : this.#others;
    for (const [key, { chosen }] of this.#epoch) {
      for (const state of chosen) reservoirOf(strata, key, this.#count).offer(state, this.#random);
    }
    this.#epoch = new Map();
    this.#outcomes = new Set();
  }

  chosen(): JudgedState[] {
    const strata = [this.#deciding, this.#others].flatMap((each) =>
      shuffled(
        [...each.values()].map(({ chosen }) => chosen),
        this.#random,
      ),
    );
    return inTurn(strata)
      .slice(0, this.#count)
      .map((state) => state());
  }
}

function reservoirOf(all: Map<string, Reservoir>, key: string, size: number): Reservoir {
  const found = all.get(key) ?? new Reservoir(size);
  all.set(key, found);
  return found;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** The first of each list, then the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat();
}
