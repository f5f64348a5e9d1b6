import { toLower, toUpper } from '../text/runes.ts';

/** A set of runes: what a character class, an escape or `.` matches. */
export type RuneSet = (rune: number) => boolean;

export function rangeSet(low: number, high: number): RuneSet {
  return (rune) => rune >= low && rune <= high;
}

export function unionOf(sets: readonly RuneSet[]): RuneSet {
  return (rune) => sets.some((set) => set(rune));
}

export function negate(set: RuneSet): RuneSet {
  return (rune) => !set(rune);
}

const DIGIT = rangeSet(0x30, 0x39);
const UPPER = rangeSet(0x41, 0x5a);
const LOWER = rangeSet(0x61, 0x7a);
const ALPHA = unionOf([UPPER, LOWER]);
export const WORD = unionOf([ALPHA, DIGIT, rangeSet(0x5f, 0x5f)]);
/** Perl's, without the vertical tab. */
const SPACE: RuneSet = (rune) =>
  rune === 0x20 || rune === 0x09 || rune === 0x0a || rune === 0x0c || rune === 0x0d;

/** `\d` and the like: ASCII only, as in RE2. */
export const PERL: ReadonlyMap<string, RuneSet> = new Map([
  ['d', DIGIT],
  ['D', negate(DIGIT)],
  ['s', SPACE],
  ['S', negate(SPACE)],
  ['w', WORD],
  ['W', negate(WORD)],
]);

/** `[:alpha:]` and the like. */
export const POSIX: ReadonlyMap<string, RuneSet> = new Map([
  ['alnum', unionOf([ALPHA, DIGIT])],
  ['alpha', ALPHA],
  ['ascii', rangeSet(0, 0x7f)],
  ['blank', (rune) => rune === 0x09 || rune === 0x20],
  ['cntrl', (rune) => rune < 0x20 || rune === 0x7f],
  ['digit', DIGIT],
  ['graph', rangeSet(0x21, 0x7e)],
  ['lower', LOWER],
  ['print', rangeSet(0x20, 0x7e)],
  ['punct', (rune) => rune > 0x20 && rune < 0x7f && !ALPHA(rune) && !DIGIT(rune)],
  ['space', (rune) => rune === 0x20 || (rune >= 0x09 && rune <= 0x0d)],
  ['upper', UPPER],
  ['word', WORD],
  ['xdigit', unionOf([DIGIT, rangeSet(0x41, 0x46), rangeSet(0x61, 0x66)])],
]);

const CATEGORY = /^(?:L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfson]?)$/;
const SCRIPT = /^[A-Z][A-Za-z_]+$/;

/** `\p{Greek}`, `\pL`; undefined if there is no such class. */
export function unicodeSet(name: string): RuneSet | undefined {
  if (name === 'Any') return () => true;
  const property = CATEGORY.test(name) ? name : SCRIPT.test(name) ? `Script=${name}` : undefined;
  if (property === undefined) return undefined;
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^\\p{${property}}$`, 'u');
  } catch {
    return undefined;
  }
  return (rune) => (rune < 0xd800 || rune > 0xdfff) && pattern.test(String.fromCodePoint(rune));
}

/** Letters that are more than a pair of upper and lower case. */
const ORBITS: readonly (readonly number[])[] = [
  [0x4b, 0x6b, 0x212a],
  [0x53, 0x73, 0x17f],
  [0xc5, 0xe5, 0x212b],
  [0x3a9, 0x3c9, 0x2126],
  [0x398, 0x3b8, 0x3d1, 0x3f4],
  [0x3a3, 0x3c2, 0x3c3],
];

/** All runes that are the same but for their case. */
export function caseVariants(rune: number): readonly number[] {
  const orbit = ORBITS.find((orbit) => orbit.includes(rune));
  return orbit ?? [rune, toLower(rune), toUpper(rune)];
}

export function foldCase(set: RuneSet): RuneSet {
  return (rune) => caseVariants(rune).some(set);
}
