import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTS_SEPARATOR, parseFacts, timelineOf, unitTimes } from '../boot/timeline.ts';
import { BenchError } from '../support/error.ts';

const KERNEL_LOG = [
  '[    0.000000] Linux version 6.12.0',
  '[    4.250000] Run /init as init process',
  '[    4.250100]   with arguments:',
].join('\n');

function facts(userspace: number, target: number, kernelLog = KERNEL_LOG): string {
  return [
    `UserspaceTimestampMonotonic=${userspace}\n`,
    `ActiveEnterTimestampMonotonic=${target}\n`,
    `${kernelLog}\n`,
  ].join(`${FACTS_SEPARATOR}\n`);
}

test('a boot is cut where the kernel starts /init, where userspace starts, and at the target', () => {
  assert.deepEqual(timelineOf(parseFacts(facts(10_000_000, 20_500_000))), {
    kernel: 4.25,
    initrd: 5.75,
    userspace: 10.5,
    total: 20.5,
  });
});

test('a boot that the guest does not tell in order is no measurement', () => {
  const wrong = {
    'target not reached': facts(10_000_000, 0),
    'userspace before /init': facts(4_000_000, 20_000_000),
    'no /init in the log': facts(10_000_000, 20_000_000, 'empty'),
    'cut off': 'UserspaceTimestampMonotonic=1\n',
  };
  for (const [name, output] of Object.entries(wrong)) {
    assert.throws(() => timelineOf(parseFacts(output)), BenchError, name);
  }
});

function entry(unit: string, message: string, seconds: number): string {
  return JSON.stringify({ UNIT: unit, MESSAGE_ID: message, __MONOTONIC_TIMESTAMP: String(seconds * 1e6) });
}

const STARTING = '7d4958e842da4a758f6c1cdc7b36dcc5';
const STARTED = '39f53479d3a045ac8e11786248231fbf';

test('units of the initrd are listed by how long they took, those of the real root are left out', () => {
  const journal = [
    entry('quick.service', STARTING, 5),
    entry('slow.service', STARTING, 5),
    entry('quick.service', STARTED, 5.5),
    entry('started-only.service', STARTED, 6),
    'not JSON',
    '{"MESSAGE":"without a unit"}',
    entry('slow.service', STARTED, 9),
    entry('later.service', STARTING, 11),
    entry('later.service', STARTED, 12),
  ].join('\n');
  assert.deepEqual(unitTimes(journal, 10), [
    { unit: 'slow.service', start: 5, seconds: 4 },
    { unit: 'quick.service', start: 5, seconds: 0.5 },
  ]);
});
