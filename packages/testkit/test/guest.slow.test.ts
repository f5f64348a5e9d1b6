import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256Hex } from '@cairn/bytes';
import { AGENT_SCRIPT } from '../src/guest/agent.ts';
import type { Channel } from '../src/guest/channel.ts';
import { AgentConnection, decodePiece, decodeWords } from '../src/guest/connection.ts';
import { Guest } from '../src/guest/guest.ts';

const ID = 'c0ffee';

test('an answer of words is found among other output, and only when it is whole', () => {
  const answer = `=${ID}! done 0 12 0 !${ID}=`;
  assert.deepEqual(decodeWords(`[ 1.0] noise\n${answer}\nmore`, ID), { answer: ['done', '0', '12', '0'] });
  for (let length = 0; length < answer.length; length++) {
    assert.equal(decodeWords(answer.slice(0, length), ID), undefined);
  }
  assert.equal(decodeWords(answer.replace('12', '1[    5.0] usb 1-1: new\n2'), ID), undefined);
  assert.equal(decodeWords(answer, 'abc'), undefined);
});

test('a piece of output is taken only if it is what was sent', () => {
  const bytes = randomBytes(200);
  const base64 = bytes.toString('base64').replace(/.{76}/g, '$&\n');
  const answer = `=${ID}=\n${base64}\n\n=${ID}. ${sha256Hex(bytes)}\n`;
  assert.deepEqual(decodePiece(`noise\n${answer}`, ID), { answer: bytes });
  assert.equal(decodePiece(answer.slice(0, -1), ID), undefined);
  for (const position of [3, 12, 40, 150]) {
    const noisy = `${answer.slice(0, position)}[ 5.0] usb 1-1: new\n${answer.slice(position)}`;
    assert.equal(decodePiece(noisy, ID), 'damaged', `noise at ${position}`);
  }
  const swapped = base64.startsWith('A') ? `B${base64.slice(1)}` : `A${base64.slice(1)}`;
  assert.equal(decodePiece(answer.replace(base64, swapped), ID), 'damaged');
});

/** The real agent in a shell of the host's, with noise put into what it says. */
class LocalAgent {
  readonly channel: Channel;
  readonly process: ChildProcessWithoutNullStreams;

  constructor(folder: string, noise: (text: string) => string, pieceLimit = 1 << 20) {
    this.process = spawn('sh', [join(folder, 'agent'), folder]);
    this.process.stdout.setEncoding('latin1');
    const { stdin, stdout } = this.process;
    this.channel = {
      send: (text) => void stdin.write(text),
      onText(listener) {
        const noisy = (text: string): void => listener(noise(text));
        stdout.on('data', noisy);
        return () => void stdout.off('data', noisy);
      },
      pieceLimit,
    };
  }

  guest(): Guest {
    const context = { nextBoot: () => Promise.resolve() };
    return new Guest(new AgentConnection(this.channel, new AbortController().signal), context);
  }
}

describe('the agent', () => {
  let folder = '';
  let quiet: LocalAgent;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-agent-'));
    await writeFile(join(folder, 'agent'), AGENT_SCRIPT);
    quiet = new LocalAgent(folder, (text) => text);
  });
  after(async () => {
    quiet.process.kill();
    await rm(folder, { recursive: true });
  });

  const SCRIPTS = [
    { script: 'true', exitCode: 0, stdout: '', stderr: '' },
    { script: 'echo out; echo err >&2; exit 7', exitCode: 7, stdout: 'out\n', stderr: 'err\n' },
    { script: 'kill -TERM $$', exitCode: 143, stdout: '', stderr: '' },
    { script: 'cat; pwd', exitCode: 0, stdout: '/\n', stderr: '' },
    { script: 'printf "ohne Zeilenende: ü"', exitCode: 0, stdout: 'ohne Zeilenende: ü', stderr: '' },
    {
      script: "cat <<'E'\n=x! done 0 !x=\n$HOME `id` \\n %s\nE\n",
      exitCode: 0,
      stdout: '=x! done 0 !x=\n$HOME `id` \\n %s\n',
      stderr: '',
    },
    {
      script: `echo ${'long '.repeat(4000)}`,
      exitCode: 0,
      stdout: `${'long '.repeat(4000).trim()}\n`,
      stderr: '',
    },
  ];
  for (const { script, ...expected } of SCRIPTS) {
    test(`runs: ${script.slice(0, 40).replaceAll('\n', ' ')}`, async () => {
      const { stdoutBytes, ...result } = await quiet.guest().run(script);
      assert.deepEqual(result, expected);
      assert.equal(stdoutBytes.length, Buffer.byteLength(expected.stdout));
    });
  }

  test('brings back 4 MiB of binary output', async () => {
    const path = join(folder, 'random');
    const bytes = randomBytes(4 << 20);
    await writeFile(path, bytes);
    const { stdoutBytes } = await quiet.guest().run(`cat ${path}`);
    assert.equal(sha256Hex(stdoutBytes), sha256Hex(bytes));
  });

  test('runs a script once and brings its output back whole through noise', async () => {
    // One piece of text in seven gets a kernel's line into it, at a place that moves.
    let pieces = 0;
    const noise = (text: string): string => {
      pieces++;
      const place = (pieces * 31) % (text.length + 1);
      return pieces % 7 === 0 ? `${text.slice(0, place)}[ 12.3] kernel: noise\n${text.slice(place)}` : text;
    };
    const noisy = new LocalAgent(folder, noise, 1 << 15);
    const bytes = randomBytes(300_000);
    const path = join(folder, 'random-for-noise');
    await writeFile(path, bytes);
    try {
      const { stdoutBytes } = await noisy.guest().run(`cat ${path}; echo once >>${folder}/runs`);
      assert.equal(sha256Hex(stdoutBytes), sha256Hex(bytes));
      assert.equal(await noisy.guest().output(`cat ${folder}/runs`), 'once\n');
    } finally {
      noisy.process.kill();
    }
  });

  test('runs scripts at the same time', async () => {
    const guest = quiet.guest();
    const results = await Promise.all(
      Array.from({ length: 5 }, (_, index) => guest.output(`sleep 0.2; echo ${index}`)),
    );
    assert.deepEqual(results, ['0\n', '1\n', '2\n', '3\n', '4\n']);
  });

  test('kills a script with all that it started when its time is over, and goes on', async () => {
    const guest = quiet.guest();
    await assert.rejects(guest.run('sleep 98.7654 & sleep 98.7654', { timeoutMs: 300 }), {
      code: 'timeout',
      message: /did not end within 0.3 s: sleep 98.7654/,
    });
    assert.equal((await guest.run('pgrep -f "^sleep 98.7654"')).stdout, '');
    const reason = new Error('enough');
    const aborting = guest.run('sleep 98.7654', { signal: AbortSignal.abort(reason) });
    await assert.rejects(aborting, reason);
  });

  test('`output` throws what a failed script said', async () => {
    await assert.rejects(quiet.guest().output('echo no such thing >&2; exit 4'), {
      code: 'command-failed',
      message: /exit code 4 .*\nno such thing/,
    });
  });

  test('leaves nothing of a script behind', async () => {
    await quiet.guest().run('echo x');
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('j')),
      [],
    );
  });

  test('says so when the guest is silent', async () => {
    const silent: Channel = { send: () => undefined, onText: () => () => undefined, pieceLimit: 1024 };
    const connection = new AgentConnection(silent, new AbortController().signal);
    assert.equal(await connection.isAlive({ timeoutMs: 10 }), false);
    await assert.rejects(connection.ask('poll x', { timeoutMs: 5 }), { code: 'guest-silent' });
  });
});
