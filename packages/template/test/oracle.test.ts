import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Template, TemplateError } from '../src/index.ts';
import { allCases, type Case } from './oracle/combine.ts';
import { askGo, hasGo, recorded, type Verdict } from './oracle/oracle.ts';

/**
 * Our engine against Go's text/template and sprig: the same output to the byte, or a refusal at the same place with
 * Go's own words. Where our words are others, on purpose, it is in `REWORDED`.
 */
const REWORDED: readonly { readonly go: RegExp; readonly ours: RegExp }[] = [
  // Go names the static type, which is always the interface; ours is the type of the value.
  { go: /^can't evaluate field \S+ in type interface \{\}$/, ours: /^can't evaluate field \S+ in type \S+/ },
  {
    go: /reflect: call of reflect\.Value\.Type on zero Value$/,
    ours: /^error calling len: len of nil pointer$/,
  },
  { go: /^exceeded maximum template depth \(100000\)$/, ours: /^exceeded maximum template depth \(100\)$/ },
  { go: /^template: multiple definition of template/, ours: /^multiple definition of template/ },
  { go: /month out of range$/, ours: /: cannot parse it$/ },
  { go: /regexp: Compile\(`.*`\): error parsing regexp/, ours: /error parsing regexp/ },
  { go: /non-comparable type \[.*\]: \[\]interface/, ours: /non-comparable type \[\]interface/ },
  { go: /slice bounds out of range \[:/, ours: /slice bounds out of range \[0:/ },
];

interface Place {
  readonly line: number;
  /** In bytes from 0; only while executing. */
  readonly column: number | undefined;
  readonly message: string;
}

const GO_ERROR = /^template: t:(\d+):(?:(\d+): executing "(?:[^"\\]|\\.)*" at <.*?>: )?(.*)$/s;

function placeOf(error: string): Place {
  const [, line, column, message] = GO_ERROR.exec(error) ?? assert.fail(`not an error of Go: ${error}`);
  return {
    line: Number(line),
    column: column === undefined ? undefined : Number(column),
    message: (message ?? '').trim().replace(/ in action started at t:\d+$/, ''),
  };
}

function check({ template, data, functions = 'sprig' as 'go' }: Case, verdict: Verdict): void {
  let error: TemplateError;
  try {
    const { text } = new Template(template, { name: 't', functions }).render(data);
    assert.equal(text, verdict.output ?? `an error: ${verdict.error}`, template);
    return;
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    error = thrown;
  }
  assert.ok(verdict.error !== undefined, `${template}: Go makes ${verdict.output}; ours: ${error.message}`);
  const go = placeOf(verdict.error);
  assert.equal(
    error.place?.line,
    go.line,
    `${template}: the line; Go: ${verdict.error}; ours: ${error.message}`,
  );
  if (go.column !== undefined) {
    const lineStart = Buffer.from(template).lastIndexOf('\n', Math.max(0, error.place.offset - 1)) + 1;
    assert.equal(error.place.offset - lineStart, go.column, `${template}: the column of ${error.message}`);
  }
  const ours = error.detail.trim();
  const reworded = REWORDED.some((words) => words.go.test(go.message) && words.ours.test(ours));
  if (!reworded) assert.equal(ours, go.message, template);
}

function checkAll(cases: readonly Case[], verdicts: readonly Verdict[]): void {
  const failures: string[] = [];
  for (const [index, item] of cases.entries()) {
    try {
      check(item, verdicts[index] ?? assert.fail('there is no verdict'));
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      failures.push(error.message);
    }
  }
  assert.equal(
    failures.length,
    0,
    `${failures.length} of ${cases.length}:\n${failures.slice(0, 30).join('\n\n')}`,
  );
}

test('text/template and sprig, as recorded', () => {
  const cases = allCases();
  const expected = recorded();
  assert.deepEqual(
    expected.map(([template]) => template),
    cases.map(({ template }) => template),
    'the cases have changed: run test/oracle/generate.ts',
  );
  assert.ok(cases.length > 6000);
  const refused = expected.filter(([, { error }]) => error !== undefined).length;
  assert.ok(refused > 500 && refused < cases.length / 2, `${refused} of ${cases.length} are errors`);
  checkAll(
    cases,
    expected.map(([, verdict]) => verdict),
  );
});

test('text/template and sprig, live', { skip: !hasGo() && 'Go is not installed' }, () => {
  const cases = allCases();
  checkAll(cases, askGo(cases));
});
