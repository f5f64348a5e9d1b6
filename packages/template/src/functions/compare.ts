import { Failure } from '../error.ts';
import type { Budget } from '../limits.ts';
import { GoDuration, GoInt, GoList, GoMap, GoTime, GoVersion, typeName, type Value } from '../value/value.ts';

/** text/template's comparison (funcs.go), and `reflect.DeepEqual`. */

type Kind = 'bool' | 'int' | 'uint' | 'float' | 'string' | 'invalid';

function basicKind(value: Value): Kind {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'string';
  if (value instanceof GoInt) return value.kind.startsWith('u') ? 'uint' : 'int';
  return value instanceof GoDuration ? 'int' : 'invalid';
}

function amount(value: Value): bigint {
  return value instanceof GoInt || value instanceof GoDuration ? value.value : 0n;
}

function isWhole(kind: Kind): boolean {
  return kind === 'int' || kind === 'uint';
}

function mixed(a: Value, b: Value): Failure {
  return new Failure('incompatible types for comparison', {
    hint: `one is a ${typeName(a)}, the other a ${typeName(b)}: numbers of JSON are float64; make both alike by int, float64 or toString`,
  });
}

export function equal(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) {
    throw new Failure('missing argument for comparison', { hint: 'compare with something: (eq .a "b")' });
  }
  return others.some((other) => equalPair(first, other));
}

function equalPair(a: Value, b: Value): boolean {
  const isNil = (value: Value) => value === undefined || value === null;
  const kind = basicKind(a);
  const other = basicKind(b);
  if (isWhole(kind) && isWhole(other)) return amount(a) === amount(b);
  if (kind !== other) {
    if (isNil(a) || isNil(b)) return false;
    throw mixed(a, b);
  }
  if (kind !== 'invalid') return a === b;
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (a instanceof GoList || a instanceof GoMap || b instanceof GoList || b instanceof GoMap) {
    throw new Failure(`non-comparable type ${typeName(b)}`, { hint: 'compare lists and maps by deepEqual' });
  }
  if (a instanceof GoTime && b instanceof GoTime)
    return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
  return a === b;
}

export function less(a: Value, b: Value): boolean {
  const kind = basicKind(a);
  const other = basicKind(b);
  if (kind === 'invalid' || other === 'invalid') throw invalid(kind === 'invalid' ? a : b);
  if (isWhole(kind) && isWhole(other)) return amount(a) < amount(b);
  if (kind !== other) throw mixed(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  throw invalid(a);
}

function invalid(value: Value): Failure {
  return new Failure('invalid type for comparison', {
    hint:
      value === null || value === undefined
        ? 'there is no value to compare: `default` gives one'
        : `a ${typeName(value)} is neither less nor more than another`,
  });
}

/** `le` is `lt` or `eq`, with their errors. */
export function lessOrEqual(a: Value, b: Value): boolean {
  return less(a, b) || equalPair(a, b);
}

export function deepEqual(a: Value, b: Value, budget: Budget, depth = 0): boolean {
  budget.depth(depth);
  budget.spend(8);
  const nilA = a === undefined || a === null;
  const nilB = b === undefined || b === null;
  if (nilA || nilB) return nilA && nilB;
  if (typeName(a) !== typeName(b)) return false;
  if (typeof a === 'string') budget.spend(a.length / 16);
  if (a instanceof GoInt || a instanceof GoDuration) return amount(a) === amount(b);
  if (a instanceof GoList && b instanceof GoList) {
    if (a.isNil !== b.isNil || a.items.length !== b.items.length) return false;
    return a.items.every((item, index) => deepEqual(item, b.items[index], budget, depth + 1));
  }
  if (a instanceof GoMap && b instanceof GoMap) {
    if (a.entries.size !== b.entries.size) return false;
    for (const [key, value] of a.entries) {
      if (!b.entries.has(key) || !deepEqual(value, b.entries.get(key), budget, depth + 1)) return false;
    }
    return true;
  }
  if (a instanceof GoTime && b instanceof GoTime) return equalPair(a, b);
  if (a instanceof GoVersion && b instanceof GoVersion) {
    return a.toString() === b.toString() && a.original === b.original;
  }
  return a === b;
}
