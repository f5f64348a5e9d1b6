import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { configShape, jsonSchema, type Shape } from '../src/index.ts';
import { generatedDocuments } from './documents.ts';
import { MISTAKES } from './mistakes.ts';
import { tellOf } from './tell.ts';

const ROOT = join(import.meta.dirname, '../../..');

for (const [path, text] of generatedDocuments()) {
  test(`${path} is what the schema says: node packages/config/scripts/docs.ts writes it`, () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text);
  });
}

suite('every mistake is told', () => {
  const all = Object.values(MISTAKES).flat();
  test('there are more than 60', () => assert.ok(all.length > 60));
  for (const { title, text } of all) {
    test(title, () => assert.match(tellOf(text), /^[a-z]+\.yaml:\d+:\d+: (?:error|warning): ./));
  }
});

test('every key is described', () => {
  const bare: string[] = [];
  const visit = (shape: Shape, path: string): void => {
    if (shape.kind === 'list') visit(shape.item, `${path}[]`);
    if (shape.kind === 'map') visit(shape.value, `${path}.NAME`);
    if (shape.kind !== 'object') return;
    for (const [key, field] of shape.fields) {
      if (!/[.]$/.test(field.about)) bare.push(`${path}.${key}`);
      visit(field, `${path}.${key}`);
    }
  };
  visit(configShape(), '');
  assert.deepEqual(bare, []);
});

test('the JSON Schema refuses unknown keys, and takes the spellings that are taken', () => {
  const schema = jsonSchema() as {
    $schema: string;
    additionalProperties: unknown;
    properties: Record<string, { properties: Record<string, unknown>; additionalProperties: unknown }>;
  };
  assert.match(schema.$schema, /2020-12/);
  assert.equal(schema.additionalProperties, false);
  const install = schema.properties['install'];
  assert.equal(install?.additionalProperties, false);
  assert.deepEqual(install?.properties['auto'], {
    description: 'Installs without asking.',
    enum: [true, false, 'yes', 'no', 'on', 'off', null],
  });
  assert.ok('no_format' in (install?.properties ?? {}));
  JSON.stringify(schema);
});
