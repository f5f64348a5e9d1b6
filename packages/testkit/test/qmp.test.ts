import assert from 'node:assert/strict';
import { type Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { TestkitError } from '../src/error.ts';
import {
  isObject,
  makeLineSplitter,
  parseQmpMessage,
  QmpClient,
  type QmpMessage,
} from '../src/machine/qmp.ts';
import { duplexOf } from './streams.ts';

const MESSAGES: readonly { line: string; message: QmpMessage }[] = [
  { line: '{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": []}}', message: { kind: 'greeting' } },
  { line: '{"return": {}, "id": 4}', message: { kind: 'return', id: 4, value: {} } },
  {
    line: '{"id": 5, "error": {"class": "CommandNotFound", "desc": "no such command"}}',
    message: { kind: 'error', id: 5, class: 'CommandNotFound', description: 'no such command' },
  },
  {
    line: '{"timestamp": {"seconds": 1}, "event": "RESET", "data": {"guest": true}}',
    message: { kind: 'event', name: 'RESET', data: { guest: true } },
  },
  { line: '{"event": "STOP"}', message: { kind: 'event', name: 'STOP', data: {} } },
];

for (const { line, message } of MESSAGES) {
  test(`a monitor's message is understood: ${line}`, () => assert.deepEqual(parseQmpMessage(line), message));
}

for (const line of ['', 'x', '[]', '1', 'null', '{}', '{"error": {}}', '{"event": 1}', '{"QMP": 1}']) {
  test(`what is no message of a monitor is refused: "${line}"`, () => {
    assert.throws(() => parseQmpMessage(line), { name: 'TestkitError', code: 'qmp-protocol' });
  });
}

test('lines are cut wherever the chunks are', () => {
  const split = makeLineSplitter();
  assert.deepEqual(['{"a"', ':1}\r\n{"b', '":2}\n\n', '{"c":3}\n{'].map(split), [
    [],
    ['{"a":1}'],
    ['{"b":2}'],
    ['{"c":3}'],
  ]);
});

test('a line without end is refused before it fills the memory', () => {
  const split = makeLineSplitter();
  const chunk = 'x'.repeat(1 << 20);
  assert.throws(
    () => {
      for (let index = 0; index < 6; index++) split(chunk);
    },
    { code: 'qmp-protocol' },
  );
});

/** A monitor that answers by a table; what is not in it gets an error. */
function fakeMonitor(answers: Readonly<Record<string, unknown>>): {
  stream: Duplex;
  say(message: unknown): void;
} {
  const output = new PassThrough();
  const input = new PassThrough();
  const say = (message: unknown): void => void output.write(`${JSON.stringify(message)}\n`);
  input.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) {
      const request: unknown = JSON.parse(line);
      assert.ok(isObject(request));
      const name = String(request['execute']);
      if (answers[name] !== undefined) say({ return: answers[name], id: request['id'] });
      else if (name !== 'silence')
        say({ error: { class: 'GenericError', desc: 'not today' }, id: request['id'] });
    }
  });
  say({ QMP: { version: {}, capabilities: [] } });
  return { stream: duplexOf(output, input), say };
}

test('the client shakes hands, runs commands, reports refusals and silence, and passes events on', async () => {
  const gone = new AbortController();
  const monitor = fakeMonitor({ qmp_capabilities: {}, 'query-status': { status: 'running' } });
  const client = await QmpClient.connect(monitor.stream, gone.signal);
  assert.deepEqual(await client.execute('query-status'), { status: 'running' });
  await assert.rejects(client.execute('stop'), { code: 'qmp-error', message: /stop: not today/ });
  await assert.rejects(client.execute('silence', undefined, { timeoutMs: 20 }), { code: 'timeout' });

  const seen: string[] = [];
  const unsubscribe = client.onEvent((event) => seen.push(event.name));
  const reset = client.waitForEvent('RESET', { where: (data) => data['guest'] === true });
  monitor.say({ event: 'RESET', data: { guest: false } });
  monitor.say({ event: 'RESET', data: { guest: true } });
  assert.deepEqual((await reset).data, { guest: true });
  unsubscribe();
  assert.deepEqual(seen, ['RESET', 'RESET']);

  const waiting = client.waitForEvent('RESET');
  gone.abort(new TestkitError('machine-exited', 'the machine has ended'));
  await assert.rejects(waiting, { code: 'machine-exited' });
});

test('the client ends with an error when what it reads is no monitor', async () => {
  const stream = duplexOf(new PassThrough().end('hello\n'), new PassThrough());
  await assert.rejects(QmpClient.connect(stream, new AbortController().signal), { code: 'qmp-protocol' });
});
