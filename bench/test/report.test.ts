import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSteps } from '../build/native.ts';
import { BenchError } from '../support/error.ts';
import { parseUsage } from '../support/measure.ts';
import { parseSizes } from '../support/options.ts';
import { formatReport, type ReportPart } from '../support/report.ts';
import { median } from '../support/statistics.ts';
import type { UpgradeCost } from '../upgrade/node.ts';
import { reportUpgrade } from '../upgrade/report.ts';

test('what GNU time writes becomes seconds and bytes', () => {
  assert.deepEqual(parseUsage('1.50 1.25 0.25 2048\n'), {
    seconds: 1.5,
    cpuSeconds: 1.5,
    peakBytes: 2 << 20,
  });
  for (const text of ['', '1.50 1.25', 'Command exited with non-zero status 1']) {
    assert.throws(() => parseUsage(text), BenchError, text);
  }
});

test('the native steps are the differences of what the pipeline notes', () => {
  assert.deepEqual(parseSteps('100\n100.5\n102\n102.25\n'), {
    'mkfs.erofs': 0.5,
    veritysetup: 1.5,
    'systemd-repart': 0.25,
  });
  for (const text of ['', '1\n2\n3', '1\n2\nx\n4']) assert.throws(() => parseSteps(text), BenchError, text);
});

test('the median of an even number is between the middle two', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test('a report is for a terminal or for Markdown', () => {
  const parts: ReportPart[] = [
    { kind: 'heading', text: 'Title' },
    {
      kind: 'table',
      headings: ['', 'time'],
      rows: [['ours', '1.0 s'], ['native tools', '12.0 s'], ['short']],
    },
  ];
  const text = ['Title', '=====', '', '                time', '------------  ------'];
  text.push('ours           1.0 s', 'native tools  12.0 s', 'short', '');
  assert.equal(formatReport(parts, 'text'), text.join('\n'));
  const markdown = ['## Title', '', '|  | time |', '| --- | ---: |', '| ours | 1.0 s |'];
  markdown.push('| native tools | 12.0 s |', '| short |  |', '');
  assert.equal(formatReport(parts, 'markdown'), markdown.join('\n'));
});

test('an upgrade’s report has medians, ratios to the other way, and says of each goal whether it is met', () => {
  const cost = (seconds: number, written: number): UpgradeCost => ({
    seconds,
    cpuSeconds: 2 * seconds,
    written,
    peakBytes: 1 << 20,
  });
  const text = formatReport(
    reportUpgrade({
      rootBytes: 200 << 20,
      layerBytes: 100 << 20,
      ours: [
        { name: 'a', costs: [cost(10, 4 << 20), cost(90, 4 << 20), cost(20, 4 << 20)] },
        { name: 'b', costs: [cost(41, 1 << 20)] },
      ],
      theirs: { name: 'theirs', costs: [cost(80, 2 << 20), cost(40, 2 << 20), cost(30, 2 << 20)] },
    }),
    'markdown',
  );
  assert.match(text, /^\| a \| 20\.0 s \| 40\.0 s \| 4\.0 MiB \| 1\.0 MiB \|$/m);
  assert.match(text, /^\| theirs \| 40\.0 s \| 80\.0 s \| 2\.0 MiB \| 1\.0 MiB \|$/m);
  assert.match(text, /^\| ratio, a \| 0\.50 \| 0\.50 \| 2\.00 \| 1\.00 \|$/m);
  assert.match(text, /Goal of a, ratios at most 0\.5: met in time, not met in bytes written\./);
  assert.match(text, /Goal of b, ratios at most 0\.5: not met in time, met in bytes written\./);
});

test('sizes are one or both', () => {
  assert.deepEqual(parseSizes('both', ['small', 'large']), ['small', 'large']);
  assert.deepEqual(parseSizes('large', ['small', 'large']), ['large']);
  assert.throws(() => parseSizes('huge', ['small', 'large']), BenchError);
});
