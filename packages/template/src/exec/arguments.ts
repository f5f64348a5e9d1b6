import { Failure } from '../error.ts';
import { canBeNil, fits, type GoFunction, type Param, paramName } from '../functions/function.ts';
import { type Operand, operandText } from '../parse/node.ts';
import { GoInt, typeName, type Value } from '../value/value.ts';

/** `validateType`: a value for a parameter; nothing is converted. `type` undefined: any, and nil stays what it is. */
export function validate(value: Value, type: Param | undefined): Value {
  if (type === undefined) return value === null ? undefined : value;
  if (value === undefined) {
    if (canBeNil(type)) return null;
    throw new Failure(`invalid value; expected ${paramName(type)}`, {
      code: 'execution',
      hint: 'there is no value: is the name right? `default` gives one where there may be none',
    });
  }
  if (value === null && canBeNil(type)) return null;
  if (fits(value, type)) return value;
  throw new Failure(
    `wrong type for value; expected ${paramName(type)}; got ${value === null ? 'interface {}' : typeName(value)}`,
    { code: 'execution', hint: value === null ? 'the value is null' : conversion(type) },
  );
}

/** Go counts the piped value among the arguments. */
export function checkCount({ name, params, rest }: GoFunction, count: number, written: number): void {
  const wanted = params.length;
  if (rest === undefined && count !== wanted) {
    throw new Failure(`wrong number of args for ${name}: want ${wanted} got ${count}`, {
      code: 'execution',
      hint: usage(name, params, rest),
    });
  }
  if (count < wanted) {
    throw new Failure(`wrong number of args for ${name}: want at least ${wanted} got ${written}`, {
      code: 'execution',
      hint: usage(name, params, rest),
    });
  }
}

function usage(name: string, params: readonly Param[], rest: Param | undefined): string {
  const words = params.map((param) => (param === 'value' ? 'any' : param));
  const tail = rest === undefined ? '' : ` ${rest === 'value' ? 'any' : rest}...`;
  const list = words.length === 0 ? '' : ` ${words.join(' ')}`;
  return `it is used as (${name}${list}${tail}); a piped value is the last argument`;
}

/** How a value becomes one of the type. */
export function conversion(type: Param): string {
  switch (type) {
    case 'string':
      return 'make a text of it: (toString ...)';
    case 'int':
      return 'make an int of it: (int ...)';
    case 'float64':
      return 'make a float64 of it: (float64 ...)';
    case 'bool':
      return 'compare it: (eq ... "true")';
    case 'map':
      return 'give a map: `dict "key" value` makes one';
    default:
      return '`toDate` and `now` give a time';
  }
}

/** Whether a literal stays what it is by itself. */
export function isAny(type: Param | undefined): type is undefined | 'any' | 'value' {
  return type === undefined || type === 'any' || type === 'value';
}

/** Literals take the type of the parameter: 3 is a float64 where one is wanted. */
export function typedLiteral(type: Exclude<Param, 'any' | 'value'>, word: Operand): Value {
  if (type === 'map' || type === 'time') {
    throw new Failure(`can't handle ${operandText(word)} for arg of type ${paramName(type)}`, {
      code: 'execution',
      hint: conversion(type),
    });
  }
  if (type === 'bool' && word.type === 'bool') return word.value;
  if (type === 'string' && word.type === 'string') return word.text;
  if (type === 'int' && word.type === 'number' && word.int !== undefined) {
    return new GoInt(BigInt.asIntN(64, word.int));
  }
  if (type === 'float64' && word.type === 'number' && word.float !== undefined) return word.float;
  const wanted = type === 'int' ? 'integer' : type === 'float64' ? 'float' : type;
  throw new Failure(`expected ${wanted}; found ${operandText(word)}`, {
    code: 'execution',
    hint: type === 'string' ? 'write texts in double quotes' : `write a literal of type ${paramName(type)}`,
  });
}
