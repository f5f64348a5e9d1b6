import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  combine,
  configSchema,
  configShape,
  diagnosticText,
  explainTree,
  hasErrors,
  judge,
  parseCommandLine,
  plainOf,
  planStage,
  readConfig,
  stagesIn,
  writeYaml,
} from '../src/index.ts';
import { readYaml } from '../src/yaml/read.ts';
import { MISTAKES } from './mistakes.ts';
import { mutations } from './mutate.ts';

/** What came of the inputs. */
export interface Outcome {
  /** Without an error. */
  readonly good: number;
  /** With errors, and something that could be read. */
  readonly wrong: number;
  /** Nothing could be read. */
  readonly refused: number;
  /** Milliseconds of processor time. */
  readonly slowest: number;
  readonly growth: number;
}

/** Of processor time: a machine with other work may stop a process for longer than that. */
const MAX_MILLISECONDS = 1000;
const MAX_GROWTH = 128 << 20;

const shape = configShape();
const SAMPLES = join(import.meta.dirname, 'samples');

function corpus(): string[] {
  const samples = readdirSync(SAMPLES).map((name) => readFileSync(join(SAMPLES, name), 'utf8'));
  const mistakes = Object.values(MISTAKES).flat();
  return [...samples, ...mistakes.flatMap(({ text }) => text)];
}

/**
 * Has damaged configurations read, looked at, merged with a good one, explained, ordered, written and read again. Nothing may be
 * thrown, none may take longer than a second of processor time, and the process must not grow. What fails is named by seed and number.
 */
export function endure(seed: number, count: number): Outcome {
  const texts = corpus();
  const other = readConfig({ file: 'other', text: texts[0] ?? '' }, shape);
  const tally = { good: 0, wrong: 0, refused: 0 };
  let [slowest, resident, index] = [0, 0, 0];
  for (const text of mutations(seed, texts, count)) {
    const before = process.cpuUsage();
    try {
      tally[readWhole(text, other, index)]++;
    } catch (cause) {
      throw new Error(`input ${index} of seed ${seed}: ${JSON.stringify(text)}`, { cause });
    }
    const { user, system } = process.cpuUsage(before);
    const milliseconds = (user + system) / 1000;
    assert.ok(milliseconds < MAX_MILLISECONDS, `input ${index} of seed ${seed} took ${milliseconds} ms`);
    slowest = Math.max(slowest, milliseconds);
    if (index === Math.floor(count / 10)) resident = process.memoryUsage.rss();
    index++;
  }
  const growth = process.memoryUsage.rss() - resident;
  assert.ok(growth < MAX_GROWTH, `the process grew by ${growth} bytes with seed ${seed}`);
  return { ...tally, slowest, growth };
}

function readWhole(
  text: string,
  other: ReturnType<typeof readConfig>,
  index: number,
): 'good' | 'wrong' | 'refused' {
  const file = readConfig({ file: 'input', text }, shape);
  for (const diagnostic of judge(file.diagnostics, 'lenient').slice(0, 20)) {
    assert.match(diagnosticText(diagnostic), /^input:[1-9]\d*:[1-9]\d*: (?:error|warning): ./);
  }
  if (file.tree === undefined) {
    assert.ok(file.diagnostics.length > 0, 'what cannot be read is told');
    return 'refused';
  }
  // Whatever is handed on is what the schema says, however wrong the file is.
  assert.deepEqual(configSchema.parse(file.config), file.config);
  if (index % 4 === 0) together(file, other);
  if (index % 16 === 0)
    parseCommandLine({ file: 'line', text: text.replaceAll('\n', ' kairos.config=') }, shape, () => {});
  return hasErrors(file.diagnostics) ? 'wrong' : 'good';
}

function together(file: ReturnType<typeof readConfig>, other: ReturnType<typeof readConfig>): void {
  const { tree } = combine([other, file], shape);
  assert.ok(tree !== undefined && file.tree !== undefined);
  explainTree(tree);
  for (const stage of stagesIn([file])) planStage([file, other], stage);
  const again = readYaml({ file: 'again', text: writeYaml(file.tree) }, () => {});
  assert.deepEqual(again === undefined ? {} : plainOf(again), plainOf(file.tree));
}
