import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HostError } from '@cairn/host';
import { fakeHost } from '@cairn/testkit';
import { withAction, withAttempt, withDenied, withPending } from '../src/state/change.ts';
import { encodeState, parseState } from '../src/state/parse.ts';
import { changeState, loadState, STATE_FILES, STATE_FOLDER } from '../src/state/store.ts';
import { type ActionRecord, EMPTY_STATE, type NodeState } from '../src/state/types.ts';
import { Faults, faultyHost } from './faulty-host.ts';
import { ATTEMPT, DENIED, PENDING } from './state-sample.ts';

function machine(context: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'cairn-state-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'oem'));
  return root;
}

function action(detail: string): ActionRecord {
  return { kind: 'upgrade', at: '2026-01-02T03:04:05.000Z', took: 5, result: 'done', detail };
}

const FULL: NodeState = withAction(withDenied(withPending(EMPTY_STATE, PENDING), DENIED), action('one'));

test('a state comes back as it was written', () => {
  const copy = { sequence: 7, state: FULL };
  assert.deepEqual(parseState(encodeState(copy)), copy);
  assert.deepEqual(parseState(encodeState({ sequence: 0, state: EMPTY_STATE })).state, EMPTY_STATE);
});

test('any byte that is changed is found', () => {
  const bytes = encodeState({ sequence: 7, state: FULL });
  for (let at = 0; at < bytes.length; at += 3) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => parseState(changed), { code: 'bad-state' }, `byte ${at}`);
    assert.throws(() => parseState(bytes.slice(0, at)), { code: 'bad-state' });
  }
});

test('lists are kept short, attempts one a boot', () => {
  let state = withPending(EMPTY_STATE, { ...PENDING, attempts: [] });
  for (let index = 0; index < 30; index++) state = withAction(state, action(String(index)));
  for (const reached of ['initrd', 'userland', 'health'] as const) {
    state = withAttempt(state, { ...ATTEMPT, reached });
  }
  assert.deepEqual(
    state.pending?.attempts.map(({ reached }) => reached),
    ['health'],
  );
  assert.equal(state.actions.length, 20);
  assert.equal(state.actions[0]?.detail, '10');
  const denied = withDenied(state, { ...DENIED, rootHash: PENDING.rootHash });
  assert.equal(denied.pending, undefined);
});

test('copies are written in turn, and the newer counts', async (context) => {
  const root = machine(context);
  const { files } = fakeHost({ root });
  for (let index = 1; index <= 5; index++) {
    await changeState(files, (state) => withAction(state, action(String(index))));
  }
  const { state, sequence, problems } = await loadState(files);
  assert.equal(sequence, 5);
  assert.equal(state.actions.length, 5);
  assert.deepEqual(problems, []);
  const sequences = STATE_FILES.map(
    (file) => parseState(readFileSync(join(root, STATE_FOLDER, file))).sequence,
  );
  assert.deepEqual(
    sequences.toSorted((a, b) => a - b),
    [4, 5],
  );
});

test('a torn copy leaves the other one', async (context) => {
  const root = machine(context);
  const { files } = fakeHost({ root });
  for (const detail of ['one', 'two']) await changeState(files, (state) => withAction(state, action(detail)));
  const whole = STATE_FILES.map((file) => readFileSync(join(root, STATE_FOLDER, file)));
  for (const [index, file] of STATE_FILES.entries()) {
    for (const torn of [
      Buffer.alloc(0),
      Buffer.alloc(500),
      whole[index]?.subarray(0, 100) ?? Buffer.alloc(0),
    ]) {
      writeFileSync(join(root, STATE_FOLDER, file), torn);
      const { state, problems } = await loadState(files);
      assert.equal(state.actions.length, index === 0 ? 2 : 1);
      assert.equal(problems.length, 1);
      // The copy that is torn is the one written next.
      await changeState(files, (before) => before);
      assert.deepEqual((await loadState(files)).problems, []);
      for (const [each, bytes] of whole.entries()) {
        writeFileSync(join(root, STATE_FOLDER, STATE_FILES[each] ?? ''), bytes);
      }
    }
  }
});

test('whichever operation fails, one copy is whole: the old or the new', async (context) => {
  const root = machine(context);
  const { files } = fakeHost({ root });
  await changeState(files, (state) => withAction(state, action('0')));
  let index = 0;
  for (let finished = false; !finished; index++) {
    for (const kind of ['fail', 'cut', 'tear'] as const) {
      const before = await loadState(files);
      const faults = new Faults({ kind, at: index });
      try {
        await changeState(faultyHost(fakeHost({ root }), faults).files, (state) =>
          withAction(state, action('x')),
        );
      } catch (error) {
        assert.ok(error instanceof HostError);
      }
      finished = faults.calls <= index;
      const after = await loadState(files);
      assert.ok([before.sequence, before.sequence + 1].includes(after.sequence));
      if (finished) assert.equal(after.sequence, before.sequence + 1);
    }
  }
  assert.ok(index > 3);
});
