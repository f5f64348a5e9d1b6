import type { ByteString } from '@cairn/bytes';

/**
 * Go's values, as far as configuration has them.
 *
 * Strings are byte strings: Go's `len`, `index`, `slice`, `trunc` and comparison count and compare bytes, and base64
 * may decode to what is not UTF-8. `undefined` is Go's invalid value (an entry that a map does not have), `null` is nil
 * in an interface; they print alike, but only the first has fields that are again missing instead of an error.
 */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | ByteString
  | GoInt
  | GoList
  | GoMap
  | GoTime
  | GoDuration
  | GoVersion;

export type IntKind = 'int' | 'int64' | 'int32' | 'uint8' | 'uint64';

export class GoInt {
  readonly kind: IntKind;
  readonly value: bigint;

  constructor(value: bigint, kind: IntKind = 'int') {
    this.kind = kind;
    this.value = value;
  }
}

export type Element = 'interface {}' | 'string' | 'int' | '[]interface {}';

export class GoList {
  readonly element: Element;
  readonly items: readonly Value[];
  /** A nil slice: empty, and `null` in JSON. */
  readonly isNil: boolean;

  constructor(items: readonly Value[], element: Element = 'interface {}', isNil = false) {
    this.items = items;
    this.element = element;
    this.isNil = isNil;
  }
}

/** A JavaScript Map, so that no key reaches a prototype. `set` and `unset` change it, as in sprig. */
export class GoMap {
  readonly element: Element;
  readonly entries: Map<ByteString, Value>;

  constructor(
    entries: Map<ByteString, Value> = new Map<ByteString, Value>(),
    element: Element = 'interface {}',
  ) {
    this.entries = entries;
    this.element = element;
  }

  /** In Go's order of range and print: by bytes of the key. */
  sorted(): readonly (readonly [ByteString, Value])[] {
    return [...this.entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }
}

/** `time.Time`, in UTC: there is no time zone database here. */
export class GoTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;

  constructor(seconds: bigint, nanoseconds = 0) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

/** `time.Duration`, in nanoseconds. */
export class GoDuration {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** `*semver.Version`. */
export class GoVersion {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly prerelease: ByteString;
  readonly metadata: ByteString;
  readonly original: ByteString;

  constructor(
    numbers: readonly [bigint, bigint, bigint],
    rest: {
      readonly prerelease: ByteString;
      readonly metadata: ByteString;
      readonly original: ByteString;
    },
  ) {
    [this.major, this.minor, this.patch] = numbers;
    this.prerelease = rest.prerelease;
    this.metadata = rest.metadata;
    this.original = rest.original;
  }

  toString(): ByteString {
    const prerelease = this.prerelease === '' ? '' : `-${this.prerelease}`;
    const metadata = this.metadata === '' ? '' : `+${this.metadata}`;
    return `${this.major}.${this.minor}.${this.patch}${prerelease}${metadata}`;
  }
}

export function int(value: number | bigint): GoInt {
  return new GoInt(BigInt(value));
}

export function int64(value: number | bigint): GoInt {
  return new GoInt(BigInt.asIntN(64, BigInt(value)), 'int64');
}

/** The zero value of a map's elements, for a key that it does not have. */
export function zeroOf(element: Element): Value {
  switch (element) {
    case 'string':
      return '';
    case 'int':
      return int(0);
    case '[]interface {}':
      return new GoList([], 'interface {}', true);
    default:
      return null;
  }
}

/** As Go's `%T` and its error messages name the type. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'string') return 'string';
  if (value instanceof GoInt) return value.kind;
  if (value instanceof GoList) return `[]${value.element}`;
  if (value instanceof GoMap) return `map[string]${value.element}`;
  if (value instanceof GoTime) return 'time.Time';
  if (value instanceof GoDuration) return 'time.Duration';
  return '*semver.Version';
}

/** As `reflect.Kind` prints. */
export function kindName(value: Value): string {
  if (value === undefined || value === null) return 'invalid';
  if (value instanceof GoList) return 'slice';
  if (value instanceof GoMap) return 'map';
  if (value instanceof GoTime) return 'struct';
  if (value instanceof GoDuration) return 'int64';
  if (value instanceof GoVersion) return 'ptr';
  return typeName(value);
}

/** Go's truth: false for nil, zero, and what is empty. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'boolean') return value;
  if (value instanceof GoInt || value instanceof GoDuration) return value.value !== 0n;
  if (value instanceof GoList) return value.items.length > 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  return true;
}
