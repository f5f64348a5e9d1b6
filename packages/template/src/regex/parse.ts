import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { decodeRune } from '../text/runes.ts';
import { foldCase, negate, PERL, POSIX, type RuneSet, rangeSet, unicodeSet, unionOf } from './class.ts';

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';

export type RegexNode =
  | { readonly type: 'empty' }
  /** `weight`: how much work it is to look a rune up. */
  | { readonly type: 'set'; readonly set: RuneSet; readonly weight: number }
  | { readonly type: 'assert'; readonly assertion: Assertion }
  | { readonly type: 'group'; readonly index: number; readonly node: RegexNode }
  | { readonly type: 'sequence'; readonly nodes: readonly RegexNode[] }
  | { readonly type: 'alternatives'; readonly nodes: readonly RegexNode[] }
  | {
      readonly type: 'repeat';
      readonly node: RegexNode;
      readonly least: number;
      /** Infinity for no end. */
      readonly most: number;
      readonly greedy: boolean;
    };

export interface ParsedRegex {
  readonly node: RegexNode;
  /** Of groups by their number; groups without one have "". */
  readonly names: readonly string[];
}

interface Flags {
  readonly fold: boolean;
  readonly lines: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

const MAX_REPEAT = 1000;
const MAX_DEPTH = 200;

/** RE2's syntax (re2/wiki/Syntax, as regexp/syntax of Go has it). */
export function parseRegex(source: ByteString): ParsedRegex {
  return new Parser(source).parse();
}

class Parser {
  readonly #source: ByteString;
  readonly #names: string[] = [''];
  #at = 0;
  #depth = 0;
  #flags: Flags = { fold: false, lines: false, dotAll: false, ungreedy: false };

  constructor(source: ByteString) {
    this.#source = source;
  }

  parse(): ParsedRegex {
    const node = this.#alternatives();
    if (this.#at < this.#source.length)
      this.#fail('unexpected )', this.#source, 'write \\) for a parenthesis');
    return { node, names: this.#names };
  }

  #fail(problem: string, shown: ByteString, hint?: string): never {
    throw new Failure(`error parsing regexp: ${problem}: \`${shown}\``, {
      hint: hint ?? 'the syntax is that of RE2: no look-around, no back-references',
    });
  }

  #char(): string {
    return this.#source.charAt(this.#at);
  }

  #takes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #rune(): number {
    const { rune, size } = decodeRune(this.#source, this.#at);
    this.#at += size;
    return rune;
  }

  #alternatives(): RegexNode {
    const flags = this.#flags;
    const nodes = [this.#sequence()];
    while (this.#takes('|')) nodes.push(this.#sequence());
    this.#flags = flags;
    const [only] = nodes;
    return nodes.length === 1 && only !== undefined ? only : { type: 'alternatives', nodes };
  }

  #sequence(): RegexNode {
    const nodes: RegexNode[] = [];
    while (this.#at < this.#source.length && this.#char() !== '|' && this.#char() !== ')') {
      const start = this.#at;
      if (this.#takes('\\Q')) {
        this.#quoted(nodes);
        continue;
      }
      if ('*+?'.includes(this.#char())) {
        this.#fail(
          'missing argument to repetition operator',
          this.#char(),
          'write \\ before it for the character itself',
        );
      }
      const atom = this.#atom();
      if (atom !== undefined) nodes.push(this.#repeated(atom, start));
    }
    return nodes.length === 0 ? { type: 'empty' } : { type: 'sequence', nodes };
  }

  #quoted(nodes: RegexNode[]): void {
    const end = this.#source.indexOf('\\E', this.#at);
    const stop = end < 0 ? this.#source.length : end;
    while (this.#at < stop) nodes.push(this.#literal(this.#rune()));
    if (end >= 0) this.#at = end + 2;
  }

  #literal(rune: number): RegexNode {
    const set = rangeSet(rune, rune);
    return this.#flags.fold
      ? { type: 'set', set: foldCase(set), weight: 3 }
      : { type: 'set', set, weight: 1 };
  }

  #repeated(atom: RegexNode, start: number): RegexNode {
    let node = atom;
    for (let count = 0; ; count++) {
      const before = this.#at;
      const range = this.#repetition();
      if (range === undefined) return node;
      const lazy = this.#takes('?');
      if (count > 0) {
        const operators = this.#source.slice(start, this.#at).replace(/^.*?(?=[*+?{]+[^)]*$)/s, '');
        this.#fail('invalid nested repetition operator', operators, 'put the inner repetition into ( )');
      }
      const [least, most] = range;
      if (least > MAX_REPEAT || (most !== Number.POSITIVE_INFINITY && (most > MAX_REPEAT || most < least))) {
        this.#fail('invalid repeat count', this.#source.slice(before, this.#at), 'a count is at most 1000');
      }
      node = { type: 'repeat', node, least, most, greedy: lazy === this.#flags.ungreedy };
    }
  }

  #repetition(): readonly [number, number] | undefined {
    if (this.#takes('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#takes('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#takes('?')) return [0, 1];
    const match = /^\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}/.exec(
      this.#source.slice(this.#at, this.#at + 30),
    );
    if (match === null) return undefined;
    this.#at += match[0].length;
    const least = Number(match[1]);
    if (match[2] === undefined) return [least, least];
    return [least, match[3] === undefined ? Number.POSITIVE_INFINITY : Number(match[3])];
  }

  #atom(): RegexNode | undefined {
    switch (this.#char()) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        this.#at++;
        return { type: 'set', set: this.#flags.dotAll ? () => true : (rune) => rune !== 0x0a, weight: 1 };
      case '^':
        this.#at++;
        return { type: 'assert', assertion: this.#flags.lines ? 'lineStart' : 'textStart' };
      case '$':
        this.#at++;
        return { type: 'assert', assertion: this.#flags.lines ? 'lineEnd' : 'textEnd' };
      case '\\':
        return this.#escape();
      default:
        return this.#literal(this.#rune());
    }
  }

  #group(): RegexNode | undefined {
    const start = this.#at++;
    const flags = this.#flags;
    let index: number | undefined;
    if (this.#char() === '?') {
      const kind = this.#groupKind(start);
      if (kind === 'flags') return undefined;
      index = kind;
    } else {
      index = this.#names.push('') - 1;
    }
    if (++this.#depth > MAX_DEPTH) this.#fail('expression nests too deeply', this.#source.slice(0, 40));
    const node = this.#alternatives();
    this.#depth--;
    if (!this.#takes(')')) this.#fail('missing closing )', this.#source, 'write \\( for a parenthesis');
    this.#flags = flags;
    return index === undefined ? node : { type: 'group', index, node };
  }

  /** Behind `(`: a named group, flags for the group, or flags for what follows. */
  #groupKind(start: number): number | undefined | 'flags' {
    const rest = this.#source.slice(this.#at, this.#at + 200);
    const named = /^\?P?<([^>]*)>/.exec(rest);
    if (named !== null && !rest.startsWith('?<=') && !rest.startsWith('?<!')) {
      const name = named[1] ?? '';
      if (!/^[A-Za-z0-9_]+$/.test(name)) this.#fail('invalid named capture', `(${named[0]}`);
      if (this.#names.includes(name)) this.#fail('duplicate capture group name', name);
      this.#at += named[0].length;
      return this.#names.push(name) - 1;
    }
    const match = /^\?([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest);
    if (match === null) {
      const end = /^\?<?[^)]?/.exec(rest)?.[0] ?? '';
      this.#fail('invalid or unsupported Perl syntax', this.#source.slice(start, start + 1 + end.length));
    }
    const [all, on = '', off = '', end] = match;
    this.#at += all.length;
    if (end === ')' && on === '' && off === '') this.#fail('missing argument to repetition operator', '?');
    const has = (letter: string, now: boolean) =>
      on.includes(letter) ? true : off.includes(letter) ? false : now;
    const { fold, lines, dotAll, ungreedy } = this.#flags;
    this.#flags = {
      fold: has('i', fold),
      lines: has('m', lines),
      dotAll: has('s', dotAll),
      ungreedy: has('U', ungreedy),
    };
    return end === ')' ? 'flags' : undefined;
  }

  #escape(): RegexNode {
    const letter = this.#source.charAt(this.#at + 1);
    const assertions: Readonly<Record<string, Assertion>> = {
      A: 'textStart',
      z: 'textEnd',
      b: 'word',
      B: 'notWord',
    };
    const assertion = Object.hasOwn(assertions, letter) ? assertions[letter] : undefined;
    if (assertion !== undefined) {
      this.#at += 2;
      return { type: 'assert', assertion };
    }
    const set = this.#classEscape();
    return set === undefined ? this.#literal(this.#runeEscape()) : { type: 'set', set, weight: 8 };
  }

  /** `\d`, `\pL`, `\p{Greek}`, `\P{^Greek}`; undefined if it is another escape. */
  #classEscape(): RuneSet | undefined {
    const letter = this.#source.charAt(this.#at + 1);
    const perl = PERL.get(letter);
    if (perl !== undefined) {
      this.#at += 2;
      return this.#flags.fold && letter === letter.toLowerCase() ? foldCase(perl) : perl;
    }
    if (letter !== 'p' && letter !== 'P') return undefined;
    const match = /^\\[pP](?:\{(\^?)([^}]*)\}|([A-Za-z]))/.exec(this.#source.slice(this.#at, this.#at + 60));
    const set = match === null ? undefined : unicodeSet(match[2] ?? match[3] ?? '');
    if (match === null || set === undefined) {
      this.#fail('invalid character class range', match?.[0] ?? this.#source.slice(this.#at, this.#at + 3));
    }
    this.#at += match[0].length;
    const positive = this.#flags.fold ? foldCase(set) : set;
    return (letter === 'P') !== (match[1] === '^') ? negate(positive) : positive;
  }

  #runeEscape(): number {
    const rest = this.#source.slice(this.#at, this.#at + 14);
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest);
    const octal = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    const simple = /^\\([afnrtv])/.exec(rest);
    if (hex !== null) {
      const rune = Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
      if (rune > 0x10ffff) this.#fail('invalid escape sequence', hex[0]);
      this.#at += hex[0].length;
      return rune;
    }
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[0].slice(1), 8);
    }
    if (simple !== null) {
      this.#at += 2;
      return [7, 12, 10, 13, 9, 11]['afnrtv'.indexOf(simple[1] ?? 'a')] ?? 7;
    }
    if (rest === '\\')
      this.#fail('trailing backslash at end of expression', '', 'write \\\\ for a backslash');
    const { rune, size } = decodeRune(rest, 1);
    if (rune >= 0x80 || /[0-9A-Za-z_]/.test(String.fromCharCode(rune))) {
      // `\_` is no escape of RE2 either: an escaped punctuation mark is itself, a word character is not.
      if (rune !== 0x5f) this.#fail('invalid escape sequence', rest.slice(0, 1 + size));
    }
    this.#at += 1 + size;
    return rune;
  }

  #class(): RegexNode {
    const start = this.#at++;
    const negated = this.#takes('^');
    const sets: RuneSet[] = [];
    const plain: RuneSet[] = [];
    for (let first = true; first || this.#char() !== ']'; first = false) {
      if (this.#at >= this.#source.length) this.#fail('missing closing ]', this.#source.slice(start));
      const named = this.#posix() ?? (this.#char() === '\\' ? this.#classEscape() : undefined);
      if (named === undefined) plain.push(this.#classRange());
      else sets.push(named);
    }
    this.#at++;
    const ranges = unionOf(plain);
    const set = unionOf([...sets, this.#flags.fold ? foldCase(ranges) : ranges]);
    const weight = (this.#at - start) * (this.#flags.fold ? 8 : 2);
    return { type: 'set', set: negated ? negate(set) : set, weight };
  }

  #posix(): RuneSet | undefined {
    const match = /^\[:(\^?)([a-z]*):\]/.exec(this.#source.slice(this.#at, this.#at + 20));
    if (match === null) return undefined;
    const set = POSIX.get(match[2] ?? '');
    if (set === undefined) this.#fail('invalid character class range', match[0]);
    this.#at += match[0].length;
    const folded = this.#flags.fold ? foldCase(set) : set;
    return match[1] === '^' ? negate(folded) : folded;
  }

  #classRange(): RuneSet {
    const start = this.#at;
    const low = this.#classRune();
    if (
      this.#char() !== '-' ||
      this.#source.charAt(this.#at + 1) === ']' ||
      this.#at + 1 >= this.#source.length
    ) {
      return rangeSet(low, low);
    }
    this.#at++;
    const high = this.#classRune();
    if (high < low) this.#fail('invalid character class range', this.#source.slice(start, this.#at));
    return rangeSet(low, high);
  }

  #classRune(): number {
    return this.#char() === '\\' ? this.#runeEscape() : this.#rune();
  }
}
