import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  enterState,
  failureOf,
  parseStateId,
  prepareSweep,
  type Rules,
  runSweep,
  type SweepInput,
  type SweepResult,
  writeState,
} from '../src/index.ts';
import { entryText, makeDisk, makeRelease, type NodeRequest, Recorder, type Row, usualNode } from './node.ts';
import * as steps from './upgrade.ts';

const old = await makeRelease('old', 1);
const next = await makeRelease('new', 2);
const other = await makeRelease('other', 3);
const RELEASES = [old, next, other];
const usual = usualNode(old, other);
const usualDisk = await makeDisk(usual);
const known = new Map<string, readonly Row[]>();
const { flush } = steps;

interface Recording {
  readonly node?: NodeRequest;
  readonly otherEntry?: string;
  readonly generation?: number;
}

async function record(list: readonly steps.Step[], recording: Recording = {}): Promise<SweepInput> {
  const { node = usual, otherEntry = 'cairn-4.conf', generation = 6 } = recording;
  using recorder = node === usual ? new Recorder(usualDisk, known) : new Recorder(await makeDisk(node));
  await steps.carryOut({ recorder, other, next, otherEntry, generation }, list);
  return recorder.input(RELEASES);
}

async function sweep(input: SweepInput, states = 2000, rules: Rules = {}): Promise<SweepResult> {
  return runSweep(await prepareSweep(input), { states, rules, sample: 5 });
}

function explain({ failures }: SweepResult): string {
  return failures
    .map(({ id, description, verdict }) => `${id}: ${description}: ${failureOf(verdict)}`)
    .join('\n');
}

test('an upgrade as it should be: every state boots the old or the new release, at once', async (context) => {
  const result = await sweep(
    await record([...steps.RIGHT, steps.recount('+3', '+2-1'), flush, steps.recount('+2-1', ''), flush]),
    6000,
  );
  context.diagnostic(JSON.stringify({ ...result, failures: [], sample: [] }));
  assert.equal(result.failed, 0, explain(result));
  assert.ok(result.judged >= 5900);
  assert.equal(result.last.boots, 'new');
  assert.equal(result.last.entry, 'cairn-6.conf');
  assert.equal(result.last.slot, 'cairn-b');
  assert.ok(result.byBoots.old > 1000 && result.byBoots.new > 1, JSON.stringify(result.byBoots));
  assert.ok(Object.values(result.byKind).every((count) => count > 0));
  assert.equal(result.sample.length, 5);
});

test('an upgrade to a release that never comes up: the old one boots when its tries are spent', async () => {
  const counts = [
    ['+3', '+2-1'],
    ['+2-1', '+1-2'],
    ['+1-2', '+0-3'],
  ] as const;
  const tries = counts.flatMap(([from, to]) => [steps.recount(from, to), flush]);
  const result = await sweep(await record([...steps.RIGHT, ...tries]));
  assert.equal(result.failed, 0, explain(result));
  assert.equal(result.last.boots, 'old');
});

/** A node that was rolled back: the idle slot's entry would come first, were the running one not chosen by hand. */
function rolledBack(): NodeRequest {
  const node = usualNode(old, other);
  const esp = node.esp.filter(({ path }) => path !== 'loader/entries/cairn-4.conf');
  return { ...node, esp: [...esp, { path: 'loader/entries/cairn-7+0-3.conf', bytes: entryText(other, 7) }] };
}

test('an upgrade after one that failed', async () => {
  const recording = { node: rolledBack(), otherEntry: 'cairn-7+0-3.conf', generation: 8 };
  const result = await sweep(await record(steps.RIGHT, recording));
  assert.equal(result.failed, 0, explain(result));
});

const writeUkiInPlace: steps.Step = ({ recorder, next }) =>
  recorder.copyIn(`EFI/cairn/${next.id}.efi`, next.ukiBytes);
const overwriteRunning: steps.Step = ({ recorder }) =>
  recorder.writeSlot('cairn-a', 8192, next.rootBytes.subarray(8192, 16_384));
const overwriteRunningUki: steps.Step = ({ recorder }) =>
  recorder.overwrite(recorder.find(old.ukiBytes.subarray(0, 4096)), next.ukiBytes.subarray(0, 4096));
const overwriteLoader: steps.Step = ({ recorder }) =>
  recorder.copyIn('EFI/BOOT/BOOTX64.EFI', 'another loader');
const removeRunning: steps.Step = ({ recorder }) => recorder.remove('loader/entries/cairn-5.conf');
const replaceEntryInPlace: steps.Step = ({ recorder }) =>
  recorder.copyIn('loader/entries/cairn-5.conf', entryText(next, 6));

/** Each breaks a rule of the commit, and the sweep must find it out. */
const BROKEN: readonly (readonly [string, readonly steps.Step[], RegExp])[] = [
  [
    'the entry comes before the UKI',
    [...steps.RETIRE, ...steps.WRITE_SLOT, ...steps.COMMIT, writeUkiInPlace, flush],
    /UKI/,
  ],
  [
    'the entry comes before the slot is written',
    [...steps.RETIRE, ...steps.WRITE_UKI, ...steps.COMMIT, ...steps.WRITE_SLOT],
    /no slot has the top block of new/,
  ],
  [
    'the entry comes before the slot is whole',
    [...steps.RETIRE, steps.writeTop, flush, ...steps.WRITE_UKI, ...steps.COMMIT, steps.writeData, flush],
    /sectors that are not of new/,
  ],
  [
    'the slot is not flushed before the entry',
    [
      ...steps.RETIRE,
      ...steps.WRITE_UKI,
      steps.copyEntry,
      flush,
      steps.writeData,
      steps.writeTop,
      steps.renameEntry,
      flush,
    ],
    /new/,
  ],
  [
    'the UKI is not flushed before it is renamed, nor before the entry',
    [
      ...steps.RETIRE,
      ...steps.WRITE_SLOT,
      steps.copyEntry,
      flush,
      steps.copyUki,
      steps.renameUki,
      steps.renameEntry,
      flush,
    ],
    /UKI/,
  ],
  [
    'the entry is not flushed before it is renamed, and the slot comes last',
    [...steps.RETIRE, ...steps.WRITE_UKI, steps.copyEntry, steps.renameEntry, ...steps.WRITE_SLOT],
    /new/,
  ],
  [
    'the slot is overwritten before its entry is removed',
    [...steps.WRITE_SLOT, ...steps.RETIRE],
    /cairn-4.conf/,
  ],
  ['the UKI is removed before its entry', [steps.removeUki, steps.removeEntry, flush], /cairn-4.conf/],
  ['the running slot is written to', [...steps.RETIRE, overwriteRunning, flush], /cairn-a has 16 sectors/],
  ['the running UKI is overwritten', [...steps.RETIRE, overwriteRunningUki, flush], /cairn-5.conf/],
  ['the boot loader is replaced by another', [overwriteLoader, flush], /BOOTX64/],
  [
    'the running entry is removed before the new one is there',
    [removeRunning, flush, ...steps.RIGHT],
    /boots other/,
  ],
  [
    'the running entry is rewritten where it lies',
    [...steps.RETIRE, ...steps.WRITE_SLOT, ...steps.WRITE_UKI, replaceEntryInPlace, flush],
    /boots recovery/,
  ],
];
for (const [name, list, message] of BROKEN) {
  test(`the sweep fails when ${name}`, async () => {
    const result = await sweep(await record(list), 600);
    assert.ok(result.failed > 0, 'no state failed');
    assert.match(explain(result), message);
  });
}

test('a state that failed is made again as a disk, which is what was judged', async () => {
  const [, list] = BROKEN[3] ?? [];
  const input = await record(list ?? []);
  const { failures } = await sweep(input, 600);
  const cuts = failures.filter(({ kind }) => kind !== 'prefix').slice(0, 3);
  assert.equal(cuts.length, 3);
  for (const { id, verdict } of cuts) {
    const prepared = await prepareSweep(input);
    const { disk } = await makeDisk(usual);
    await writeState(prepared, parseStateId(id), input.log, disk);
    enterState(prepared, parseStateId(id));
    assert.deepEqual(await prepared.judge.judge(), verdict);
    // The disk alone, with a log in which nothing happens.
    const alone = await prepareSweep({ ...input, base: disk, log: (await record([])).log });
    assert.deepEqual(await alone.judge.judge(), verdict);
  }
});

test('the same seed gives the same states, another one others', async () => {
  const input = await record(steps.RIGHT);
  const run = async (seed: number) => {
    const { sample, byBoots } = await runSweep(await prepareSweep(input), { states: 500, seed, sample: 20 });
    return { sample, byBoots };
  };
  assert.deepEqual(await run(1), await run(1));
  assert.notDeepEqual((await run(1)).sample, (await run(2)).sample);
});

test('taking back leaves the model as it was', async () => {
  const input = await record(steps.RIGHT);
  const prepared = await prepareSweep(input);
  const { model } = prepared;
  const before = {
    content: model.content.slice(),
    slots: model.slots.map((bits) => bits.slice()),
    wrong: model.wrong.slice(),
  };
  const prints = structuredClone([model.tables, model.esp, model.metadata]);
  model.mark();
  for (const event of prepared.events) if (event.kind === 'write') model.apply(event.write);
  assert.notDeepEqual(model.wrong, before.wrong);
  model.restore();
  assert.deepEqual({ content: model.content, slots: model.slots, wrong: model.wrong }, before);
  assert.deepEqual([model.tables, model.esp, model.metadata], prints);
});
