import { z } from 'zod';
import { configSchema } from './schema/config.ts';
import { type Facts, facts } from './schema/facts.ts';
import { STAGES } from './schema/stages.ts';

type JsonObject = Record<string, unknown>;

const BOOLEAN_WORDS = ['yes', 'no', 'on', 'off'];
const TEMPLATE = '\\{\\{';

/** The JSON Schema (2020-12) of a configuration, for editors: of what may be written, not of what it is read as. */
export function jsonSchema(): JsonObject {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      adapt(jsonSchema as JsonObject, facts.get(zodSchema) ?? {});
    },
  });
  return { ...schema, title: 'Cairn configuration' };
}

function adapt(json: JsonObject, known: Facts): void {
  if (json['description'] === '') delete json['description'];
  if (json['type'] === 'object' && json['properties'] !== undefined) adaptObject(json, known);
  if (json['type'] === 'array') json['type'] = ['array', 'null'];
  if (known.keys === 'stage') json['propertyNames'] = { anyOf: [{ enum: stageNames() }, { type: 'string' }] };
  if (known.noEffect !== undefined) json['deprecated'] = true;
  adaptScalar(json, known);
}

function adaptObject(json: JsonObject, known: Facts): void {
  json['type'] = ['object', 'null'];
  if (known.open !== true) json['additionalProperties'] = false;
  const properties = json['properties'] as JsonObject;
  for (const [alias, key] of Object.entries(known.same ?? {})) properties[alias] = properties[key];
  if (known.rule === 'config') json['patternProperties'] = { '^(x-|\\.)': {} };
  if (known.dotted === true) json['patternProperties'] = { '^[^.]+\\.': {} };
}

function adaptScalar(json: JsonObject, known: Facts): void {
  const { scalar, values, anyCase, least, most } = known;
  if (scalar === 'text') {
    json['type'] = ['string', 'number', 'boolean', 'null'];
    if (values !== undefined) {
      delete json['type'];
      const all = anyCase === true ? values.flatMap((value) => [value, value.toUpperCase()]) : values;
      json['anyOf'] = [{ enum: [...all, null] }, { type: 'string', pattern: TEMPLATE }];
    }
  }
  if (scalar === 'boolean') {
    delete json['type'];
    json['enum'] = [true, false, ...BOOLEAN_WORDS, null];
  }
  if (scalar === 'integer') {
    json['type'] = ['integer', 'null'];
    if (least !== undefined) json['minimum'] = least;
    if (most !== undefined && most < Number.MAX_SAFE_INTEGER) json['maximum'] = most;
  }
  if (scalar === 'mode' || scalar === 'octal-text') {
    delete json['type'];
    json['anyOf'] = [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: '^0?o?[0-7]{1,5}$' },
      { type: 'null' },
    ];
  }
  if (scalar === 'duration') {
    delete json['type'];
    json['anyOf'] = [
      { type: 'number' },
      { type: 'string', pattern: '^(\\d+h)?(\\d+m(in)?)?(\\d+s?)?$' },
      { type: 'null' },
    ];
  }
}

function stageNames(): string[] {
  return Object.keys(STAGES).flatMap((stage) => [stage, `${stage}.before`, `${stage}.after`]);
}
