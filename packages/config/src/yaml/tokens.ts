import { type CST, Lexer, Parser } from 'yaml';
import type { Limits } from './limits.ts';

/** What the lexer saw, for messages that point at where something began and not at where it was missed. */
export interface Tokens {
  readonly tokens: readonly CST.Token[];
  /** Brackets that nothing closed, the innermost last. */
  readonly open: readonly Bracket[];
  /** Where quoted texts begin. */
  readonly quotes: readonly number[];
}

export interface Bracket {
  readonly sign: '[' | '{';
  readonly offset: number;
}

/** A limit that is exceeded. */
export class LimitHit {
  readonly offset: number;
  readonly message: string;

  constructor(offset: number, message: string) {
    this.offset = offset;
    this.message = message;
  }
}

/**
 * Cuts a text into YAML's tokens. The parser is driven by hand, since neither depth nor number of tokens have a limit in it.
 *
 * @throws LimitHit
 */
export function tokenize(text: string, limits: Limits): Tokens {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const open: Bracket[] = [];
  const quotes: number[] = [];
  let pieces = 0;
  for (const piece of new Lexer().lex(text)) {
    if (++pieces > limits.pieces) {
      throw new LimitHit(
        parser.offset,
        `there is too much in it: more than ${limits.pieces} words and signs`,
      );
    }
    note(piece, parser.offset, open, quotes);
    for (const token of parser.next(piece)) tokens.push(token);
    // The document, and a scalar that is being read, are on the stack too.
    if (parser.stack.length > limits.depth + 2) {
      throw new LimitHit(parser.offset, `maps and lists are more than ${limits.depth} deep in each other`);
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return { tokens, open, quotes };
}

function note(piece: string, offset: number, open: Bracket[], quotes: number[]): void {
  switch (piece.charCodeAt(0)) {
    case 0x5b:
    case 0x7b:
      if (piece.length === 1) open.push({ sign: piece === '[' ? '[' : '{', offset });
      break;
    case 0x5d:
    case 0x7d:
      if (piece.length === 1) open.pop();
      break;
    case 0x22:
    case 0x27:
      quotes.push(offset);
      break;
    default:
  }
}
