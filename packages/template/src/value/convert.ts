import { fromText } from '@cairn/bytes';
import { TemplateError } from '../error.ts';
import type { Limits } from '../limits.ts';
import { GoInt, GoList, GoMap, type Value } from './value.ts';

/**
 * The caller's data as Go's values: what `encoding/json` would make of it, so numbers are float64; a bigint is an int.
 * Only own properties are taken, and they become a Map.
 */
export function toValue(data: unknown, limits: Limits, template: string): Value {
  let count = 0;
  const convert = (data: unknown, depth: number, path: string): Value => {
    if (++count > limits.work || depth > limits.depth) {
      throw new TemplateError('limit', template, undefined, `the data is too large or too deep at ${path}`, {
        hint: 'data that holds itself cannot be given to a template',
      });
    }
    switch (typeof data) {
      case 'undefined':
        return null;
      case 'string':
        return fromText(data);
      case 'boolean':
      case 'number':
        return data;
      case 'bigint':
        return new GoInt(BigInt.asIntN(64, data));
      case 'object': {
        if (data === null) return null;
        if (Array.isArray(data)) {
          return new GoList(data.map((item, index) => convert(item, depth + 1, `${path}[${index}]`)));
        }
        const entries = data instanceof Map ? [...data] : isPlain(data) ? Object.entries(data) : undefined;
        if (entries === undefined) break;
        const map = new GoMap();
        for (const [key, value] of entries) {
          map.entries.set(fromText(String(key)), convert(value, depth + 1, `${path}.${String(key)}`));
        }
        return map;
      }
      default:
        break;
    }
    throw new TemplateError('bad-value', template, undefined, `a template cannot hold what is at ${path}`, {
      hint: 'give strings, numbers, booleans, arrays, Maps and plain objects',
    });
  };
  return convert(data, 0, 'the data');
}

function isPlain(data: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(data);
  return prototype === null || prototype === Object.prototype;
}
