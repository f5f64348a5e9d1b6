import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import type { Budget } from '../limits.ts';
import { type Match, Regex } from '../regex/regex.ts';
import { GoVersion } from '../value/value.ts';
import { define, type GoFunction, text } from './function.ts';

/** Masterminds/semver 3: its own patterns, its own checks. */
export const SEMVER: readonly GoFunction[] = [
  define(
    'semver',
    'string',
    'a version with .Major .Minor .Patch .Prerelease .Metadata .Original',
    (args, { budget }) => parseVersion(text(args, 0), budget),
  ),
  define(
    'semverCompare',
    'string string',
    'whether the version, the second, is within the constraint',
    (args, { budget }) => {
      const alternatives = parseConstraints(text(args, 0), budget);
      const version = parseVersion(text(args, 1), budget);
      return alternatives.some((all) => all.every((constraint) => check(constraint, version)));
    },
  ),
];

const SUFFIX = '(-([0-9A-Za-z\\-]+(\\.[0-9A-Za-z\\-]+)*))?(\\+([0-9A-Za-z\\-]+(\\.[0-9A-Za-z\\-]+)*))?';
const VERSION = `v?([0-9]+)(\\.[0-9]+)?(\\.[0-9]+)?${SUFFIX}`;
const PART = '[0-9|x|X|\\*]+';
const CONSTRAINT_VERSION = `v?(${PART})(\\.${PART})?(\\.${PART})?${SUFFIX}`;
const OPERATORS = '=||!=|>|<|>=|=>|<=|=<|~|~>|\\^';

function groups(text: ByteString, match: Match): string[] {
  return Array.from({ length: match.length / 2 }, (_, index) => {
    const start = match[index * 2] ?? -1;
    return start < 0 ? '' : text.slice(start, match[index * 2 + 1]);
  });
}

function parseVersion(source: ByteString, budget: Budget): GoVersion {
  const match = new Regex(`^${VERSION}$`, budget).find(source);
  if (match === undefined) {
    throw new Failure('Invalid Semantic Version', { hint: 'a version is like 1.2.3 or v1.2.3-rc.1+build' });
  }
  const [, major = '', minor = '', patch = '', , prerelease = '', , , metadata = ''] = groups(source, match);
  const numbers = [major, minor, patch].map((part) => BigInt(part.replace('.', '') || '0'));
  const [first = 0n, second = 0n, third = 0n] = numbers;
  if (numbers.some((number) => number >= 1n << 64n)) {
    throw new Failure('Error parsing version segment: value out of range');
  }
  if (prerelease.split('.').some((part) => /^0[0-9]+$/.test(part))) {
    throw new Failure('Version segment starts with 0', {
      hint: 'a number in a pre-release has no leading zero',
    });
  }
  return new GoVersion([first, second, third], { prerelease, metadata, original: source });
}

interface Constraint {
  readonly operator: string;
  readonly version: GoVersion;
  /** Where a part was left out, or is x: 1.x has all of minor and patch dirty. */
  readonly dirty: boolean;
  readonly minorDirty: boolean;
  readonly patchDirty: boolean;
}

function parseConstraints(source: ByteString, budget: Budget): readonly (readonly Constraint[])[] {
  const one = `\\s*(${OPERATORS})\\s*(${CONSTRAINT_VERSION})\\s*`;
  const valid = new Regex(`^(${one})((?:\\s+|,\\s*)(${OPERATORS})\\s*(${CONSTRAINT_VERSION})\\s*)*$`, budget);
  const find = new Regex(`(${OPERATORS})\\s*(${CONSTRAINT_VERSION})`, budget);
  const single = new Regex(`^${one}$`, budget);
  return rewriteRanges(source, budget)
    .split('||')
    .map((alternative) => {
      if (valid.find(alternative) === undefined) throw improper(alternative);
      return find
        .findAll(alternative, -1)
        .map(([start = 0, end = 0]) => parseConstraint(alternative.slice(start, end), single, budget));
    });
}

function improper(constraint: ByteString): Failure {
  return new Failure(`improper constraint: ${constraint}`, {
    hint: 'a constraint is like ">=1.2, <2", "^1.2", "~1.2.3", "1.x", "1.2 - 1.4"; || gives alternatives',
  });
}

/** "1.2 - 1.4" as ">= 1.2, <= 1.4". */
function rewriteRanges(source: ByteString, budget: Budget): ByteString {
  const range = new Regex(`\\s*(${CONSTRAINT_VERSION})\\s+-\\s+(${CONSTRAINT_VERSION})\\s*`, budget);
  let rewritten = source;
  for (const match of range.findAll(source, -1)) {
    const [all = '', low = ''] = groups(source, match);
    const high = groups(source, match)[11] ?? '';
    rewritten = rewritten.replace(all, () => `>= ${low}, <= ${high}`);
  }
  return rewritten;
}

function isAny(part: string): boolean {
  return part === '' || part === 'x' || part === 'X' || part === '*';
}

function parseConstraint(source: ByteString, single: Regex, budget: Budget): Constraint {
  const match = single.find(source);
  if (match === undefined) throw improper(source);
  const [, operator = '', whole = '', major = '', minor = '', patch = '', suffix = ''] = groups(
    source,
    match,
  );
  let version = whole;
  let dirty = true;
  let minorDirty = false;
  let patchDirty = false;
  if (isAny(major)) {
    version = `0.0.0${suffix}`;
  } else if (isAny(minor.replace('.', ''))) {
    minorDirty = true;
    version = `${major}.0.0${suffix}`;
  } else if (isAny(patch.replace('.', ''))) {
    patchDirty = true;
    version = `${major}${minor}.0${suffix}`;
  } else {
    dirty = false;
  }
  try {
    return { operator, version: parseVersion(version, budget), dirty, minorDirty, patchDirty };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'limit') throw error;
    throw new Failure('constraint Parser Error', improper(source));
  }
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareVersions(a: GoVersion, b: GoVersion): number {
  const order =
    compareNumbers(a.major, b.major) || compareNumbers(a.minor, b.minor) || compareNumbers(a.patch, b.patch);
  if (order !== 0 || a.prerelease === b.prerelease) return order;
  if (a.prerelease === '') return 1;
  return b.prerelease === '' ? -1 : comparePrereleases(a.prerelease.split('.'), b.prerelease.split('.'));
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left = '', right = ''] = [a[index], b[index]];
    if (left === right) continue;
    if (left === '' || right === '') return left === '' ? -1 : 1;
    const [leftNumber, rightNumber] = [/^[0-9]+$/.test(left), /^[0-9]+$/.test(right)];
    if (leftNumber && rightNumber) return BigInt(left) > BigInt(right) ? 1 : -1;
    if (leftNumber !== rightNumber) return leftNumber ? -1 : 1;
    return left > right ? 1 : -1;
  }
  return 0;
}

function check(constraint: Constraint, version: GoVersion): boolean {
  const { operator, version: wanted, dirty, minorDirty, patchDirty } = constraint;
  const order = compareVersions(version, wanted);
  const onlyReleases = version.prerelease !== '' && wanted.prerelease === '';
  if (operator === '!=') {
    if (!dirty) return order !== 0;
    return onlyReleases ? false : differs(constraint, version);
  }
  if (onlyReleases) return false;
  switch (operator) {
    case '>':
      if (!dirty) return order > 0;
      if (version.major !== wanted.major) return version.major > wanted.major;
      if (minorDirty) return false;
      return patchDirty ? version.minor > wanted.minor : order > 0;
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      if (!dirty) return order <= 0;
      if (version.major > wanted.major) return false;
      return !(version.major === wanted.major && version.minor > wanted.minor && !minorDirty);
    case '^':
      return order >= 0 && caret(constraint, version);
    case '~':
    case '~>':
      return tilde(constraint, version, order);
    default:
      return dirty ? tilde(constraint, version, order) : order === 0;
  }
}

function differs({ version: wanted, minorDirty, patchDirty }: Constraint, version: GoVersion): boolean {
  if (version.major !== wanted.major) return true;
  if (version.minor !== wanted.minor && !minorDirty) return true;
  if (minorDirty) return false;
  if (version.patch !== wanted.patch && !patchDirty) return true;
  if (patchDirty) return version.prerelease !== wanted.prerelease;
  return compareVersions(version, wanted) !== 0;
}

function tilde(
  { version: wanted, minorDirty, patchDirty }: Constraint,
  version: GoVersion,
  order: number,
): boolean {
  if (order < 0) return false;
  const isZero = wanted.major === 0n && wanted.minor === 0n && wanted.patch === 0n;
  if (isZero && !minorDirty && !patchDirty) return true;
  return version.major === wanted.major && (version.minor === wanted.minor || minorDirty);
}

function caret({ version: wanted, minorDirty, patchDirty }: Constraint, version: GoVersion): boolean {
  if (wanted.major > 0n || minorDirty) return version.major === wanted.major;
  if (version.major > 0n) return false;
  if (wanted.minor > 0n || patchDirty) return version.minor === wanted.minor;
  return version.minor === 0n && version.patch === wanted.patch;
}
