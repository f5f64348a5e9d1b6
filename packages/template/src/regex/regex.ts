import type { ByteString } from '@cairn/bytes';
import type { Budget } from '../limits.ts';
import { decodeRune } from '../text/runes.ts';
import { WORD } from './class.ts';
import { type Assertion, parseRegex } from './parse.ts';
import { compile, type Instruction } from './program.ts';

/** Starts and ends of the match and its groups in bytes; -1 where a group took no part. */
export type Match = readonly number[];

interface Thread {
  readonly at: number;
  readonly saved: readonly number[];
}

/**
 * Go's regexp: leftmost-first matches by Pike's simulation. Time is bounded by pattern × text whatever the pattern, and
 * every step is charged to the budget.
 */
export class Regex {
  readonly names: readonly string[];
  readonly #program: readonly Instruction[];
  readonly #start: number;
  readonly #budget: Budget;

  constructor(source: ByteString, budget: Budget) {
    budget.spend(source.length);
    const { node, names } = parseRegex(source);
    const { program, start } = compile(node);
    budget.spend(program.length);
    this.names = names;
    this.#program = program;
    this.#start = start;
    this.#budget = budget;
  }

  /** The first match from `position` on; what is before it counts for `^` and `\b`. */
  find(text: ByteString, position = 0): Match | undefined {
    let threads: Thread[] = [];
    let found: Match | undefined;
    for (let at = position; ; ) {
      const { rune, size } = at < text.length ? decodeRune(text, at) : { rune: -1, size: 1 };
      const seen = new Set<number>();
      const current: Thread[] = [];
      for (const thread of threads) this.#follow(thread.at, thread.saved, text, at, seen, current);
      if (found === undefined) this.#follow(this.#start, [], text, at, seen, current);
      this.#budget.spend(current.length + 1);
      const next: Thread[] = [];
      for (const { at: index, saved } of current) {
        const instruction = this.#program[index];
        if (instruction?.op === 'match') {
          found = saved;
          // Threads behind it are of less preference.
          break;
        }
        if (instruction?.op !== 'set' || rune < 0) continue;
        this.#budget.spend(instruction.weight / 8);
        if (instruction.set(rune)) next.push({ at: instruction.next, saved });
      }

      if (at >= text.length || (next.length === 0 && found !== undefined)) break;
      threads = next;
      at += size;
    }
    return found === undefined ? undefined : this.#complete(found);
  }

  #complete(saved: readonly number[]): Match {
    return Array.from({ length: this.names.length * 2 }, (_, slot) => saved[slot] ?? -1);
  }

  /** Adds what is reached without taking a rune, in order of preference. */
  #follow(
    start: number,
    saved: readonly number[],
    text: ByteString,
    at: number,
    seen: Set<number>,
    threads: Thread[],
  ): void {
    const pending: Thread[] = [{ at: start, saved }];
    for (let thread = pending.pop(); thread !== undefined; thread = pending.pop()) {
      if (seen.has(thread.at)) continue;
      seen.add(thread.at);
      const instruction = this.#program[thread.at];
      switch (instruction?.op) {
        case 'split':
          pending.push(
            { at: instruction.other, saved: thread.saved },
            { at: instruction.next, saved: thread.saved },
          );
          break;
        case 'save': {
          const changed = thread.saved.slice();
          changed[instruction.slot] = at;
          this.#budget.spend(changed.length);
          pending.push({ at: instruction.next, saved: changed });
          break;
        }
        case 'assert':
          if (holds(instruction.assertion, text, at))
            pending.push({ at: instruction.next, saved: thread.saved });
          break;
        default:
          threads.push(thread);
      }
    }
    this.#budget.spend(1);
  }

  /** As FindAll: no empty match right behind another match. */
  findAll(text: ByteString, limit: number): Match[] {
    const matches: Match[] = [];
    const most = limit < 0 ? text.length + 1 : limit;
    let before = -1;
    for (let at = 0; matches.length < most && at <= text.length; ) {
      const match = this.find(text, at);
      if (match === undefined) break;
      const [start = 0, end = 0] = match;
      const accepted = end !== at || start !== before;
      at = end === at ? at + widthAt(text, at) : end;
      before = end;
      if (accepted) matches.push(match);
    }
    return matches;
  }

  /** Every match by what `replacement` makes of it. */
  replaceAll(text: ByteString, replacement: (match: Match) => ByteString): ByteString {
    const parts: ByteString[] = [];
    let copied = 0;
    for (let at = 0; at <= text.length; ) {
      const match = this.find(text, at);
      if (match === undefined) break;
      const [start = 0, end = 0] = match;
      parts.push(text.slice(copied, start));
      if (end > copied || start === 0) {
        const by = replacement(match);
        this.#budget.spend(by.length);
        parts.push(by);
      }
      copied = end;
      const width = at < text.length ? decodeRune(text, at).size : 0;
      at = at + width > end ? at + width : at + 1 > end ? at + 1 : end;
    }
    parts.push(text.slice(copied));
    return parts.join('');
  }

  /** `$1`, `$name`, `${name}` and `$$` of a replacement. */
  expand(template: ByteString, text: ByteString, match: Match): ByteString {
    return template.replaceAll(
      /\$(?:\$|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g,
      (all, braced?: string, plain?: string) => {
        if (all === '$$') return '$';
        const name = braced ?? plain ?? '';
        const index = /^[0-9]+$/.test(name) ? Number(name) : this.names.lastIndexOf(name);
        const start = match[index * 2] ?? -1;
        const group = index < 0 || start < 0 ? '' : text.slice(start, match[index * 2 + 1]);
        this.#budget.spend(group.length);
        return group;
      },
    );
  }
}

function widthAt(text: ByteString, at: number): number {
  return at < text.length ? decodeRune(text, at).size : 1;
}

function isWordAt(text: ByteString, at: number): boolean {
  return at >= 0 && at < text.length && WORD(text.charCodeAt(at));
}

function holds(assertion: Assertion, text: ByteString, at: number): boolean {
  switch (assertion) {
    case 'textStart':
      return at === 0;
    case 'textEnd':
      return at === text.length;
    case 'lineStart':
      return at === 0 || text.charAt(at - 1) === '\n';
    case 'lineEnd':
      return at === text.length || text.charAt(at) === '\n';
    case 'word':
      return isWordAt(text, at - 1) !== isWordAt(text, at);
    default:
      return isWordAt(text, at - 1) === isWordAt(text, at);
  }
}

export function quoteMeta(text: ByteString): ByteString {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
