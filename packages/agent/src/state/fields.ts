import { AgentError } from '../error.ts';

/** Typed reading of JSON objects. A schema library would cost each boot more than all else that it does with the state. */
export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new AgentError('bad-state', `${name} is not an object`);
}

export function text(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value === 'string') return value;
  throw new AgentError('bad-state', `${key} is not a text`);
}

/** A whole number that is not negative. */
export function number(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AgentError('bad-state', `${key} is not a whole number`);
}

export function list(fields: Fields, key: string): readonly unknown[] {
  const value = fields[key];
  if (Array.isArray(value)) return value;
  throw new AgentError('bad-state', `${key} is not a list`);
}

export function texts(fields: Fields, key: string): string[] {
  return list(fields, key).map((value) => {
    if (typeof value === 'string') return value;
    throw new AgentError('bad-state', `${key} has something in it that is no text`);
  });
}

export function each<T>(fields: Fields, key: string, parse: (fields: Fields) => T): T[] {
  return list(fields, key).map((value) => parse(fieldsOf(value, `what is in ${key}`)));
}

export function optional<T>(fields: Fields, key: string, parse: (fields: Fields) => T): T | undefined {
  return fields[key] === undefined ? undefined : parse(fieldsOf(fields[key], key));
}

export function oneOf<const T extends string>(fields: Fields, key: string, values: readonly T[]): T {
  const found = values.find((value) => value === fields[key]);
  if (found !== undefined) return found;
  throw new AgentError('bad-state', `${key} is none of ${values.join(', ')}`);
}
