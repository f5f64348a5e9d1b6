import { z } from 'zod';
import { type Facts, facts } from './schema/facts.ts';

/** A schema as plain data: what the validator walks along. */
export type Shape = ObjectShape | ListShape | MapShape | ScalarShape | AnyShape;

interface Common {
  readonly about: string;
  readonly facts: Facts;
}

export interface ObjectShape extends Common {
  readonly kind: 'object';
  readonly fields: ReadonlyMap<string, Shape>;
}

export interface ListShape extends Common {
  readonly kind: 'list';
  readonly item: Shape;
}

export interface MapShape extends Common {
  readonly kind: 'map';
  readonly value: Shape;
}

export interface ScalarShape extends Common {
  readonly kind: 'scalar';
}

export interface AnyShape extends Common {
  readonly kind: 'any';
}

/** Derives the shape of a schema that is made of `schema/kinds`. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  if (schema instanceof z.ZodOptional) return shapeOf(schema.unwrap());
  const known = facts.get(schema) ?? {};
  const about = z.globalRegistry.get(schema)?.description ?? '';
  const common = { about, facts: known };
  if (schema instanceof z.ZodObject) {
    const fields = new Map(Object.entries(schema.shape).map(([key, field]) => [key, shapeOf(field)]));
    return { kind: 'object', fields, ...common };
  }
  if (schema instanceof z.ZodArray) return { kind: 'list', item: shapeOf(schema.element), ...common };
  if (schema instanceof z.ZodRecord) return { kind: 'map', value: shapeOf(schema.valueType), ...common };
  if (known.scalar !== undefined) return { kind: 'scalar', ...common };
  if (schema instanceof z.ZodUnknown) return { kind: 'any', ...common };
  throw new TypeError(`a schema of the kind ${schema._zod.def.type} has no shape`);
}
