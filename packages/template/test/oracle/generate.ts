import { writeFileSync } from 'node:fs';
import { allCases } from './combine.ts';
import { askGo } from './oracle.ts';

/**
 * Makes expected.jsonl anew by the real text/template and sprig. It needs Debian's golang-go and
 * golang-github-masterminds-sprig-dev; the tests do not.
 *
 *     node packages/template/test/oracle/generate.ts
 */
const cases = allCases();
const verdicts = askGo(cases);
const lines = cases.map(({ template }, index) => `${JSON.stringify([template, verdicts[index]])}\n`);
writeFileSync(new URL('expected.jsonl', import.meta.url), lines.join(''));
console.log(`${cases.length} cases`);
