import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Console } from '../src/console/console.ts';
import { makeTextFilter } from '../src/console/filter.ts';
import { attachTerminal } from '../src/console/terminal.ts';
import { TestkitError } from '../src/error.ts';
import { duplexOf } from './streams.ts';

interface FakeMachine {
  readonly console: Console;
  readonly typed: () => string;
  readonly print: (text: string) => void;
  readonly end: () => void;
}

function fakeMachine(): FakeMachine {
  const output = new PassThrough();
  const input = new PassThrough();
  let typed = '';
  input.on('data', (chunk: Buffer) => {
    typed += chunk.toString();
  });
  const gone = new AbortController();
  const console = new Console();
  console.connect(duplexOf(output, input), gone.signal);
  return {
    console,
    typed: () => typed,
    print: (text) => void output.write(text),
    end: () => gone.abort(new TestkitError('machine-exited', 'the machine has ended')),
  };
}

function hasCode(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TestkitError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

const FILTERED: readonly { what: string; chunks: readonly string[]; text: string }[] = [
  { what: 'plain text', chunks: ['a\r\nb\tc'], text: 'a\nb\tc' },
  { what: 'colours', chunks: ['[\x1b[0;32m  OK  \x1b[0m] Started'], text: '[  OK  ] Started' },
  { what: 'a sequence in two chunks', chunks: ['x\x1b[3', '1my'], text: 'xy' },
  { what: 'a title, ended by BEL', chunks: ['\x1b]0;root@host\x07# '], text: '# ' },
  { what: 'a title, ended by ST', chunks: ['\x1b]0;root@host\x1b\\# '], text: '# ' },
  { what: 'a title that is never ended', chunks: ['\x1b]0;root\n# '], text: '# ' },
  { what: 'a character set', chunks: ['\x1b(Bx'], text: 'x' },
  { what: 'two-character sequences', chunks: ['\x1b7\x1bcx\x1b8'], text: 'x' },
  { what: 'an escape within a sequence', chunks: ['\x1b[1\x1b[2Jx'], text: 'x' },
  { what: 'a sequence that is cancelled', chunks: ['\x1b[1\x18x'], text: 'x' },
  { what: 'control characters', chunks: ['a\x00b\x08c\x7f'], text: 'abc' },
  { what: 'private modes', chunks: ['\x1b[?2004hroot# '], text: 'root# ' },
];

for (const { what, chunks, text } of FILTERED) {
  test(`the text filter copes with ${what}`, () => {
    const filter = makeTextFilter();
    assert.equal(chunks.map((chunk) => filter(Buffer.from(chunk))).join(''), text);
  });
}

test('the text filter keeps a character whose bytes come in two chunks, and marks what is not UTF-8', () => {
  const filter = makeTextFilter();
  const bytes = Buffer.from('é');
  assert.equal(filter(bytes.subarray(0, 1)) + filter(bytes.subarray(1)), 'é');
  assert.equal(filter(Uint8Array.of(0xff, 0x61)), '\ufffda');
});

test('each match starts after the one before it', async () => {
  const { console, print } = fakeMachine();
  print('login: one\nlogin: two\n');
  assert.equal((await console.waitFor(/login: (\w+)/))[1], 'one');
  assert.equal((await console.waitFor(/login: (\w+)/))[1], 'two');
  await assert.rejects(console.waitFor(/login/, { timeoutMs: 30 }), hasCode('timeout', /login: two/));
});

test('a match may come in pieces, and a string is taken literally', async () => {
  const { console, print } = fakeMachine();
  const waiting = console.waitFor('a.b (c)');
  print('aXb (c) a.');
  await sleep(30);
  print('b (c)');
  assert.equal((await waiting)[0], 'a.b (c)');
});

test('an error shows the last 30 lines that are not empty', async () => {
  const { console, print } = fakeMachine();
  print(Array.from({ length: 100 }, (_, index) => `line ${index}\n\n`).join(''));
  await assert.rejects(console.waitFor('never', { timeoutMs: 50 }), (error: Error) => {
    assert.deepEqual(
      error.message.match(/line \d+/g),
      Array.from({ length: 30 }, (_, index) => `line ${70 + index}`),
    );
    return true;
  });
});

test('a fatal line ends the wait at once, unless what was waited for came before it', async () => {
  const { console, print } = fakeMachine();
  print('ready\n[ 1.0] Kernel panic - not syncing: Attempted to kill init!\n');
  assert.equal((await console.waitFor('ready')).index, 0);
  await assert.rejects(console.waitFor('login:'), hasCode('console-failure', /Attempted to kill init/));
  assert.ok(await console.waitFor('kill init', { failOn: [] }));
});

test('the end of the machine ends the wait, after what it still had to say', async () => {
  const { console, print, end } = fakeMachine();
  const last = console.waitFor('the last word');
  const never = console.waitFor('never');
  print('the last word');
  await sleep(20);
  end();
  assert.ok(await last);
  await assert.rejects(never, hasCode('machine-exited', /the last word/));
  await assert.rejects(console.waitFor('never'), hasCode('machine-exited', /ended/));
  assert.throws(() => console.send('x'), hasCode('machine-off', /off/));
});

test('a signal ends the wait with its reason', async () => {
  const { console } = fakeMachine();
  const reason = new Error('enough');
  await assert.rejects(console.waitFor('never', { signal: AbortSignal.abort(reason) }), reason);
});

test('the transcript is bounded, and matching goes on', async () => {
  const { console, print } = fakeMachine();
  for (let index = 0; index < 50; index++) print(`${'x'.repeat(65_536)}\n`);
  print('the end');
  assert.ok(await console.waitFor('the end'));
  assert.ok(console.transcript.length <= 2 << 20);
});

test('a terminal is attached until Ctrl-] and gets the bytes as they are', async () => {
  const machine = fakeMachine();
  const input = new PassThrough();
  const output = new PassThrough();
  const exited = new Promise<void>(() => undefined);
  const attached = attachTerminal({ console: machine.console, exited }, { input, output });
  machine.print('\x1b[1mbold\x1b[0m');
  input.write('ls\r');
  await sleep(20);
  input.write('x\x1dnot typed');
  await attached;
  assert.equal(String(output.read()), '\x1b[1mbold\x1b[0m');
  assert.equal(machine.typed(), 'ls\rx');
});
