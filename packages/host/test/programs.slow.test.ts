import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { HostError, realHost, realPrograms, runChecked } from '../src/index.ts';
import { scratch } from './scratch.ts';

const programs = realPrograms();
const shell = (script: string, ...rest: readonly string[]) => ['sh', '-c', script, 'sh', ...rest];

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

/** Whether a process is there; one that has ended and was not waited for counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function seen(path: string): Promise<void> {
  while (!existsSync(path)) await wait(5);
}

suite('a program runs to its end', () => {
  const cases = [
    {
      name: 'with 0',
      argv: shell('echo out; echo err >&2'),
      expected: { exitCode: 0, stdout: 'out\n', stderr: 'err\n' },
    },
    {
      name: 'with another exit code',
      argv: shell('echo no >&2; exit 42'),
      expected: { exitCode: 42, stdout: '', stderr: 'no\n' },
    },
    {
      name: 'with arguments that no shell has seen',
      argv: ['printf', '%s|', '$HOME', 'a b', "'", '*'],
      expected: { exitCode: 0, stdout: "$HOME|a b|'|*|", stderr: '' },
    },
  ];
  for (const { name, argv, expected } of cases) {
    test(name, async () => assert.deepEqual(await programs.run(argv), expected));
  }

  test('with its input', async () => {
    const input = 'line\n'.repeat(100_000);
    assert.equal((await programs.run(['cat'], { input })).stdout, input);
    assert.equal(
      (await programs.run(['wc', '-c'], { input: new Uint8Array(300_000) })).stdout.trim(),
      '300000',
    );
    assert.equal((await programs.run(['cat'])).stdout, '');
  });

  test('without reading its input', async () => {
    assert.equal((await programs.run(['true'], { input: new Uint8Array(10 << 20) })).exitCode, 0);
  });

  test('in a folder', async () => {
    using folder = scratch();
    assert.equal((await programs.run(['pwd'], { directory: folder.path })).stdout, `${folder.path}\n`);
  });

  test('and must have succeeded where that is asked for', async () => {
    assert.equal(await runChecked(programs, ['echo', 'x']), 'x\n');
    await assert.rejects(runChecked(programs, shell('echo because >&2; exit 3')), {
      name: 'HostError',
      code: 'failed',
      message: /^sh -c .* failed with exit code 3: because$/,
    });
    await assert.rejects(runChecked(programs, shell('echo on stdout; exit 1')), { message: /: on stdout$/ });
    await assert.rejects(runChecked(programs, ['false']), { message: 'false failed with exit code 1' });
  });
});

suite('the environment of a program', () => {
  test('has nothing of the caller but PATH', async () => {
    process.env['CAIRN_TEST_LEAK'] = 'seen';
    try {
      const { stdout } = await programs.run(['env']);
      const names = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0]);
      assert.deepEqual(new Set(names), new Set(['LC_ALL', 'PATH']));
      assert.match(stdout, /^LC_ALL=C\.UTF-8$/m);
    } finally {
      delete process.env['CAIRN_TEST_LEAK'];
    }
  });

  test('is what was given, where it was', async () => {
    const environment = { PATH: process.env['PATH'] ?? '', ONLY: 'this' };
    assert.match((await programs.run(['env'], { environment })).stdout, /^ONLY=this$/m);
    assert.doesNotMatch((await programs.run(['env'], { environment })).stdout, /LC_ALL/);
  });
});

suite('a program that does not start', () => {
  const cases = [
    {
      name: 'is not installed',
      argv: ['cairn-no-such-program'],
      code: 'not-found',
      message: 'the program cairn-no-such-program is not installed',
    },
    {
      name: 'is no program',
      argv: ['/etc/passwd'],
      code: 'denied',
      message: 'cannot start /etc/passwd: not permitted',
    },
    { name: 'has no name', argv: [], code: 'not-found', message: 'no program was named' },
  ] as const;
  for (const { name, argv, code, message } of cases) {
    test(name, async () => {
      await assert.rejects(programs.run(argv), { name: 'HostError', code, message });
      await assert.rejects(collect(programs.stream(argv)), { name: 'HostError', code, message });
    });
  }

  test('in a folder that is not there', async () => {
    await assert.rejects(programs.run(['true'], { directory: '/nowhere' }), {
      code: 'not-found',
      message: 'the program true is not installed, or there is no folder /nowhere',
    });
  });
});

suite('a program that does not end', () => {
  test('is killed after its time', async () => {
    await assert.rejects(programs.run(['sleep', '60'], { timeoutMs: 50 }), {
      code: 'timeout',
      message: 'sleep did not end within 0.05 s',
    });
    await assert.rejects(collect(programs.stream(['sleep', '60'], { timeoutMs: 50 })), { code: 'timeout' });
  });

  test('is not waited for when what it started holds on', async () => {
    const start = performance.now();
    await assert.rejects(programs.run(shell('sleep 20 & wait'), { timeoutMs: 50 }), { code: 'timeout' });
    await assert.rejects(programs.run(shell('sleep 20 & exit 0'), { timeoutMs: 50 }), { code: 'timeout' });
    assert.ok(performance.now() - start < 10_000);
  });

  test('and was killed by another is not said to be too slow', async () => {
    await assert.rejects(programs.run(shell('kill -9 $$'), { timeoutMs: 60_000 }), {
      code: 'killed',
      message: 'sh was ended by SIGKILL',
    });
    await assert.rejects(collect(programs.stream(shell('kill -15 $$'))), {
      code: 'killed',
      message: /SIGTERM/,
    });
  });

  test('stops when what it prints has no end', async () => {
    await assert.rejects(programs.run(['yes', 'x'.repeat(10_000)]), {
      code: 'too-large',
      message: /^yes printed more than/,
    });
  });
});

suite('an abort', () => {
  const reason = new Error('enough');

  test('before the start starts nothing', async () => {
    using folder = scratch();
    const argv = ['touch', join(folder.path, 'started')];
    const signal = AbortSignal.abort(reason);
    await assert.rejects(programs.run(argv, { signal }), reason);
    await assert.rejects(collect(programs.stream(argv, { signal })), reason);
    assert.equal(existsSync(join(folder.path, 'started')), false);
  });

  test('lets the program clean up, and is told when it has', async () => {
    using folder = scratch();
    const script =
      'trap "echo cleaned > $1/cleaned; exit 0" TERM; touch $1/started; while :; do sleep 0.05; done';
    for (const kind of ['run', 'stream'] as const) {
      const controller = new AbortController();
      const options = { signal: controller.signal, directory: folder.path };
      const running =
        kind === 'run'
          ? programs.run(shell(script, '.'), options)
          : collect(programs.stream(shell(script, '.'), options));
      running.catch(() => {});
      await seen(join(folder.path, 'started'));
      controller.abort(reason);
      await assert.rejects(running, reason);
      assert.ok(existsSync(join(folder.path, 'cleaned')), 'the program had its time');
      await runChecked(programs, ['rm', join(folder.path, 'started'), join(folder.path, 'cleaned')]);
    }
  });

  test('after the end changes nothing', async () => {
    const controller = new AbortController();
    const { exitCode } = await programs.run(['true'], { signal: controller.signal });
    controller.abort(reason);
    assert.equal(exitCode, 0);
  });

  test('ends a sleep of the clock with its reason', async () => {
    const { clock } = realHost();
    const controller = new AbortController();
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await assert.rejects(sleeping, reason);
    const before = clock.monotonic();
    await clock.sleep(2);
    assert.ok(clock.monotonic() > before);
  });
});

suite('output as a stream', () => {
  test('is all there, in order, and more than fits into memory at once is waited for', async () => {
    let size = 0;
    let largest = 0;
    for await (const chunk of programs.stream(['head', '-c', '20000000', '/dev/zero'])) {
      size += chunk.length;
      largest = Math.max(largest, chunk.length);
    }
    assert.equal(size, 20_000_000);
    assert.ok(largest <= 1 << 20);
  });

  test('ends with an error that has the end of what was said', async () => {
    const script =
      'echo part; i=0; while [ $i -lt 2000 ]; do echo "noise $i" >&2; i=$((i+1)); done; echo "the reason" >&2; exit 7';
    const parts: string[] = [];
    await assert.rejects(
      async () => {
        for await (const chunk of programs.stream(shell(script))) parts.push(Buffer.from(chunk).toString());
      },
      (error) => {
        assert.ok(error instanceof HostError && error.code === 'failed');
        assert.match(error.message, /^sh failed with exit code 7: [^]*the reason$/);
        assert.ok(error.message.length < 5000);
        return true;
      },
    );
    assert.deepEqual(parts, ['part\n']);
  });

  test('starts nothing before it is read', async () => {
    using folder = scratch();
    programs.stream(['touch', join(folder.path, 'started')]);
    await wait(100);
    assert.equal(existsSync(join(folder.path, 'started')), false);
  });

  test('that is read no further ends the program', async () => {
    let pid = 0;
    for await (const chunk of programs.stream(shell('echo $$; trap "" TERM; while :; do echo more; done'))) {
      pid = Number.parseInt(Buffer.from(chunk).toString(), 10);
      break;
    }
    assert.ok(pid > 0);
    assert.equal(isAlive(pid), false);
  });

  test("whose reader fails ends the program, and the reader's error is the one that is told", async () => {
    const failure = new Error('the reader failed');
    let pid = 0;
    await assert.rejects(async () => {
      for await (const chunk of programs.stream(shell('echo $$; sleep 60'))) {
        pid = Number.parseInt(Buffer.from(chunk).toString(), 10);
        throw failure;
      }
    }, failure);
    assert.equal(isAlive(pid), false);
  });
});

test('a program that ignores the request to end is killed', async () => {
  using folder = scratch();
  const controller = new AbortController();
  const script = 'trap "" TERM; echo $$ > pid; while :; do sleep 0.05; done';
  const running = programs.run(shell(script), { signal: controller.signal, directory: folder.path });
  running.catch(() => {});
  await seen(join(folder.path, 'pid'));
  await wait(20);
  controller.abort(new Error('enough'));
  await assert.rejects(running, { message: 'enough' });
  const pid = Number((await programs.run(['cat', join(folder.path, 'pid')])).stdout);
  assert.equal(isAlive(pid), false);
});

test('the real machine has an environment and a clock', () => {
  const { environment, clock } = realHost();
  assert.equal(environment['PATH'], process.env['PATH']);
  assert.ok(Math.abs(clock.now() - Date.now()) < 1000);
});
