import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import { nearest } from '../text/suggest.ts';
import { clockOf, formatTime } from '../text/time-format.ts';
import { GoMap, GoTime, GoVersion, int, int64, typeName, type Value } from '../value/value.ts';

/** A field of a map, or one of the methods that the two kinds of objects have. */
export function fieldOf(receiver: Value, name: ByteString, args: readonly Value[] | undefined): Value {
  if (receiver === undefined) return undefined;
  if (receiver === null) {
    throw new Failure(`nil pointer evaluating interface {}.${name}`, {
      code: 'execution',
      hint: `what should have the field .${name} is null: guard it by {{with ...}}`,
    });
  }
  if (receiver instanceof GoMap) {
    if (args !== undefined) {
      throw new Failure(`${name} is not a method but has arguments`, {
        code: 'execution',
        hint: 'a field takes no arguments: a function comes first, {{function .field argument}}',
      });
    }
    return receiver.entries.get(name);
  }
  const method = methodsOf(receiver)?.get(name);
  if (method !== undefined) return method(args ?? []);
  const near = nearest(name, methodsOf(receiver)?.keys() ?? []);
  throw new Failure(`can't evaluate field ${name} in type ${typeName(receiver)}`, {
    code: 'execution',
    hint: near === undefined ? hintFor(receiver) : `did you mean .${near}?`,
  });
}

function hintFor(receiver: Value): string {
  return typeName(receiver).startsWith('[]')
    ? 'this is a list: take an element of it by (index ... 0), or {{range}} over it'
    : 'only maps have fields';
}

type Methods = ReadonlyMap<string, (args: readonly Value[]) => Value>;

function methodsOf(receiver: Value): Methods | undefined {
  if (receiver instanceof GoVersion) return versionMethods(receiver);
  if (receiver instanceof GoTime) return timeMethods(receiver);
  return undefined;
}

function without(args: readonly Value[], name: string, value: () => Value): Value {
  if (args.length === 0) return value();
  throw new Failure(`wrong number of args for ${name}: want 0 got ${args.length}`, { code: 'execution' });
}

function versionMethods(version: GoVersion): Methods {
  const method = (name: string, value: () => Value) =>
    [name, (args: readonly Value[]) => without(args, name, value)] as const;
  return new Map([
    method('Major', () => int64(version.major)),
    method('Minor', () => int64(version.minor)),
    method('Patch', () => int64(version.patch)),
    method('Prerelease', () => version.prerelease),
    method('Metadata', () => version.metadata),
    method('Original', () => version.original),
    method('String', () => version.toString()),
  ]);
}

function timeMethods(time: GoTime): Methods {
  const method = (name: string, value: () => Value) =>
    [name, (args: readonly Value[]) => without(args, name, value)] as const;
  const clock = clockOf(time);
  return new Map<string, (args: readonly Value[]) => Value>([
    method('Unix', () => int64(time.seconds)),
    method('Year', () => int(clock.year)),
    method('Day', () => int(clock.day)),
    method('Hour', () => int(clock.hour)),
    method('Minute', () => int(clock.minute)),
    method('Second', () => int(clock.second)),
    method('YearDay', () => int(clock.yearDay)),
    method('UTC', () => time),
    [
      'Format',
      (args) => {
        const [layout, ...more] = args;
        if (typeof layout === 'string' && more.length === 0) return formatTime(time, layout);
        throw new Failure(`wrong number of args for Format: want 1 got ${args.length}`, {
          code: 'execution',
          hint: 'Format takes one layout, "2006-01-02 15:04:05"',
        });
      },
    ],
  ]);
}
