import { checkTemplate } from '@cairn/template';
import { combine, configShape, diagnosticText, readConfig, sorted } from '../src/index.ts';

const shape = configShape();

/** What `cairn config validate` says of files, line by line; they are called a.yaml, b.yaml, … */
export function tellOf(text: string | readonly string[]): string {
  const texts = typeof text === 'string' ? [text] : text;
  const files = texts.map((each, index) =>
    readConfig({ file: nameOf(texts.length, index), text: each }, shape, { checkTemplate }),
  );
  return sorted(combine(files, shape).diagnostics).map(diagnosticText).join('\n');
}

export function nameOf(count: number, index: number): string {
  return count === 1 ? 'node.yaml' : `${String.fromCharCode(0x61 + index)}.yaml`;
}
