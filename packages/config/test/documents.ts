import { configShape } from '../src/index.ts';
import { mistakesReference } from '../src/mistakes-reference.ts';
import { configReference } from '../src/reference.ts';
import { MISTAKES } from './mistakes.ts';
import { nameOf, tellOf } from './tell.ts';

/** The documents that are generated, by their paths from the root of the clone. */
export function generatedDocuments(): ReadonlyMap<string, string> {
  const told = Object.entries(MISTAKES).map(([section, mistakes]) => {
    const rows = mistakes.map(({ title, text }) => {
      const texts = typeof text === 'string' ? [text] : text;
      const files = texts.map((each, index) => [nameOf(texts.length, index), each] as const);
      return { title, files, told: tellOf(text) };
    });
    return [section, rows] as const;
  });
  return new Map([
    ['docs/configuration.md', configReference(configShape())],
    ['docs/configuration-mistakes.md', mistakesReference(Object.fromEntries(told))],
  ]);
}
