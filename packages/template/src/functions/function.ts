import type { ByteString } from '@cairn/bytes';
import { Failure } from '../error.ts';
import type { Budget } from '../limits.ts';
import { GoInt, GoList, GoMap, GoTime, typeName, type Value } from '../value/value.ts';

/** Go's types of parameters; `value` is the one of text/template's own functions, which take anything as it is. */
export type Param = 'any' | 'value' | 'string' | 'int' | 'bool' | 'float64' | 'map' | 'time';

/** What the caller gives for what a template cannot know by itself. Nothing here reaches the machine. */
export interface Surroundings {
  /** For `env` and `expandenv`. */
  readonly environment: ReadonlyMap<string, string> | undefined;
  /** For `uuidv4`, `randAlpha` and the like. */
  readonly random: ((bytes: number) => Uint8Array) | undefined;
  /** Milliseconds since 1970, for `now` and `ago`. */
  readonly now: (() => number) | undefined;
}

export interface Context extends Surroundings {
  readonly budget: Budget;
}

export interface GoFunction {
  readonly name: string;
  readonly params: readonly Param[];
  /** Of the arguments behind `params`, any number of them. */
  readonly rest: Param | undefined;
  /** One line for the README. */
  readonly about: string;
  readonly call: (args: readonly Value[], context: Context) => Value;
}

/** A table of functions by name: a Map, so that `constructor` is no function. */
export type FunctionTable = ReadonlyMap<string, GoFunction>;

/** Its signature is `params`, with `...any` for the rest: `string int ...any`. */
export function define(
  name: string,
  signature: string,
  about: string,
  call: (args: readonly Value[], context: Context) => Value,
): GoFunction {
  const params: Param[] = [];
  let rest: Param | undefined;
  for (const word of signature.split(' ').filter((word) => word !== '')) {
    if (word.startsWith('...')) rest = paramOf(word.slice(3));
    else params.push(paramOf(word));
  }
  return { name, params, rest, about, call };
}

const PARAMS: readonly Param[] = ['any', 'value', 'string', 'int', 'bool', 'float64', 'map', 'time'];

function paramOf(word: string): Param {
  const param = PARAMS.find((param) => param === word);
  if (param === undefined) throw new Error(`there is no parameter type ${word}`);
  return param;
}

const TYPE_NAMES: Readonly<Record<Param, string>> = {
  any: 'interface {}',
  value: 'reflect.Value',
  string: 'string',
  int: 'int',
  bool: 'bool',
  float64: 'float64',
  map: 'map[string]interface {}',
  time: 'time.Time',
};

export function paramName(param: Param): string {
  return TYPE_NAMES[param];
}

export function canBeNil(param: Param): boolean {
  return param === 'any' || param === 'value' || param === 'map';
}

/** Whether a value can be given for a parameter: Go converts nothing. */
export function fits(value: Value, param: Param): boolean {
  switch (param) {
    case 'any':
    case 'value':
      return true;
    case 'int':
      return value instanceof GoInt && value.kind === 'int';
    case 'float64':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'map':
      return value instanceof GoMap && value.element === 'interface {}';
    default:
      return value instanceof GoTime;
  }
}

// The arguments were checked against the signature: what these refuse is a fault of the table, not of a template.

function broken(index: number): never {
  throw new Error(`argument ${index} is not what the function's signature says`);
}

export function text(args: readonly Value[], index: number): ByteString {
  const value = args[index];
  return typeof value === 'string' ? value : broken(index);
}

export function whole(args: readonly Value[], index: number): number {
  const value = args[index];
  return value instanceof GoInt ? Number(value.value) : broken(index);
}

export function flag(args: readonly Value[], index: number): boolean {
  const value = args[index];
  return typeof value === 'boolean' ? value : broken(index);
}

export function map(args: readonly Value[], index: number): GoMap {
  const value = args[index];
  if (value instanceof GoMap) return value;
  return value === null || value === undefined ? new GoMap() : broken(index);
}

export function time(args: readonly Value[], index: number): GoTime {
  const value = args[index];
  return value instanceof GoTime ? value : broken(index);
}

/** A list where sprig takes `interface{}` and looks itself; `what` is the verb of its message. */
export function listOf(value: Value, what: string): GoList {
  if (value instanceof GoList) return value;
  if (value === null || value === undefined) {
    throw new Failure('runtime error: invalid memory address or nil pointer dereference', {
      hint: 'the list is nil: give one with `default (list)`',
    });
  }
  throw new Failure(`Cannot ${what} ${kindOf(value)}`, {
    hint: 'give a list: `list` makes one, `splitList` another',
  });
}

function kindOf(value: Value): string {
  return value instanceof GoMap ? 'map' : value instanceof GoTime ? 'struct' : typeName(value);
}
