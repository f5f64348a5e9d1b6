import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mutations } from '../../disk/test/mutate.ts';
import { AgentError } from '../src/error.ts';
import { parseHealth } from '../src/health/config/parse.ts';
import { HEALTH_YAML } from './health-sample.ts';

const COUNT = 100_000;
const SEED = Number(process.env['CAIRN_SEED'] ?? 20_264);
/** What may be held more after all inputs than after the first thousand. */
const GROWTH_LIMIT = 8 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CORPUS = [
  HEALTH_YAML,
  '#cloud-config\nhealth: {deadline: 90s, checks: [{unit: a.service}, {tcp: "h:22", timeout: 5}]}\n',
  '#node-config\nx: &a\n  - {http: "http://h/", status: 204}\nhealth:\n  checks: *a\n  allow-failed: ["*.mount"]\n',
].map((text) => new TextEncoder().encode(text));

test(`${COUNT} damaged configurations are taken or refused (seed ${SEED})`, (context) => {
  let taken = 0;
  let passedOver = 0;
  let index = 0;
  let held = 0;
  for (const bytes of mutations(SEED, CORPUS, COUNT)) {
    try {
      const part = parseHealth(new TextDecoder().decode(bytes), '/oem/x.yaml');
      if (part === undefined) passedOver++;
      else {
        taken++;
        assert.ok(
          part.deadlineMs === undefined || (part.deadlineMs >= 10_000 && part.deadlineMs <= 3_600_000),
        );
        for (const { at, timeoutMs } of part.checks) {
          assert.match(at, /^\/oem\/x\.yaml:\d+$/);
          assert.ok(timeoutMs >= 1000 && timeoutMs <= 600_000);
        }
      }
    } catch (error) {
      assert.ok(error instanceof AgentError, `input ${index} of seed ${SEED}: ${String(error)}`);
      assert.match(error.message, /^\/oem\/x\.yaml/);
    }
    if (++index === 1000) {
      collectGarbage();
      held = process.memoryUsage().heapUsed;
    }
  }
  collectGarbage();
  const growth = process.memoryUsage().heapUsed - held;
  context.diagnostic(
    `${taken} taken, ${passedOver} not ours, ${COUNT - taken - passedOver} refused, ${growth} bytes held more`,
  );
  assert.equal(index, COUNT);
  assert.ok(growth < GROWTH_LIMIT);
  assert.ok(taken > COUNT / 100);
});
