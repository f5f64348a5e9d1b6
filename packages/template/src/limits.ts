import { Failure } from './error.ts';

/** What one template may use. Configuration files stay below a thousandth of the defaults. */
export interface Limits {
  /** Bytes of a template's source. */
  readonly source: number;
  /** Bytes of output. */
  readonly output: number;
  /** Nodes evaluated: each pass of a loop counts. */
  readonly steps: number;
  /** Bytes and elements that functions make or look at, in all. */
  readonly work: number;
  /** Templates in templates. */
  readonly calls: number;
  /** Nesting of actions and parentheses in the source, and of values in values. */
  readonly depth: number;
  /** Nesting of all that is at work at one time, over all templates. */
  readonly nesting: number;
  /** Variables that can be seen at one place. */
  readonly variables: number;
}

export const DEFAULT_LIMITS: Limits = {
  source: 1 << 20,
  output: 4 << 20,
  steps: 500_000,
  work: 16 << 20,
  calls: 100,
  depth: 100,
  nesting: 500,
  variables: 250,
};

/** What is left of the limits while one template runs. */
export class Budget {
  readonly limits: Limits;
  #steps = 0;
  #work = 0;
  #output = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  step(): void {
    this.#steps++;
    if (this.#steps > this.limits.steps) {
      throw new Failure(`the template takes more than ${this.limits.steps} steps`, {
        code: 'limit',
        hint: 'shorten the loop, or compute the list outside of the template',
      });
    }
  }

  /** Is called before the work is done, so that nothing is allocated that is over the limit. */
  spend(amount: number): void {
    this.#work += amount;
    if (!(this.#work <= this.limits.work)) {
      throw new Failure(`its values take more than ${this.limits.work} bytes in all`, {
        code: 'limit',
        hint: 'make fewer or shorter values',
      });
    }
  }

  write(bytes: number): void {
    this.#output += bytes;
    if (this.#output > this.limits.output) {
      throw new Failure(`the output is larger than ${this.limits.output} bytes`, {
        code: 'limit',
        hint: 'put large contents into a file of their own',
      });
    }
  }

  /** A value inside of a value: maps can be made to hold themselves. */
  depth(depth: number): void {
    if (depth > this.limits.depth) {
      throw new Failure(`a value is nested deeper than ${this.limits.depth} levels`, {
        code: 'limit',
        hint: 'a map that was put into itself by `set` never ends',
      });
    }
  }
}
