import { OciError } from '../error.ts';

/** One way to authenticate that a server offers. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By name in lower case; the first of a name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const BETWEEN = /[ \t]*(?:,[ \t]*)*/y;
const SCHEME = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const PARAMETER =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))(?=[ \t]*(?:,|$))/y;

/**
 * Parses a WWW-Authenticate header, or several of them joined by commas (RFC 9110, sections 11.2 to 11.6.1).
 * Values that should be quoted but are not are taken up to the next comma, since some registries send them.
 *
 * @throws OciError `protocol`
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  const scanner = new Scanner(header);
  scanner.take(BETWEEN);
  while (!scanner.atEnd) {
    const scheme = scanner.take(SCHEME)?.[0];
    if (scheme === undefined) throw malformed(scanner.position);
    const parameters = new Map<string, string>();
    if (scanner.take(TOKEN68) === undefined) readParameters(scanner, parameters);
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    const start = scanner.position;
    scanner.take(BETWEEN);
    if (!scanner.atEnd && scanner.position === start) throw malformed(start);
  }
  return challenges;
}

function readParameters(scanner: Scanner, parameters: Map<string, string>): void {
  for (;;) {
    const start = scanner.position;
    scanner.take(BETWEEN);
    const match = scanner.position > start ? scanner.take(PARAMETER) : undefined;
    const name = match?.[1]?.toLowerCase();
    if (match === undefined || name === undefined) {
      scanner.position = start;
      return;
    }
    const value = match[2]?.replaceAll(/\\(.)/gs, '$1') ?? match[3] ?? '';
    if (!parameters.has(name)) parameters.set(name, value);
  }
}

function malformed(position: number): OciError {
  return new OciError('protocol', `the WWW-Authenticate header is malformed at character ${position + 1}`);
}

class Scanner {
  readonly #text: string;
  position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.position >= this.#text.length;
  }

  /** Matches a sticky pattern where the scanner stands, and goes past it. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.position = pattern.lastIndex;
    return match;
  }
}
