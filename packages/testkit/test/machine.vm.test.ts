import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256Hex } from '@cairn/bytes';
import { cacheFolder } from '@cairn/host';
import { TestkitError } from '../src/error.ts';
import { findAccelerator, runsUnderKvm } from '../src/machine/accelerator.ts';
import type { Machine } from '../src/machine/machine.ts';
import { restoreMachine, saveMachine } from '../src/machine/snapshot.ts';
import { type StartOptions, startMachine } from '../src/machine/start.ts';
import { type TinyGuest, tinyGuest } from './tiny-guest.ts';

const CACHE = cacheFolder(process.env);
const DISK_SIZE = 8 << 20;
const MARK = 0x5a;

let folder = '';
let disk = '';
let tiny: TinyGuest;

before(async () => {
  tiny = await tinyGuest(CACHE);
  folder = await mkdtemp(join(tmpdir(), 'cairn-vm-test-'));
  disk = join(folder, 'disk.raw');
  await writeFile(disk, Buffer.alloc(DISK_SIZE, MARK));
});
after(() => rm(folder, { recursive: true }));

function startTiny(options: Partial<StartOptions> & { readonly words?: string } = {}): Promise<Machine> {
  const { words = '', ...rest } = options;
  const boot = { kind: 'kernel', ...tiny, commandLine: `console=ttyS0 panic=-1 ${words}` } as const;
  return startMachine({ boot, memoryMiB: 256, cacheFolder: CACHE, ...rest });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

describe('a booted guest', () => {
  let machine: Machine;
  before(async () => {
    machine = await startTiny({ consoleLog: join(folder, 'console.log') });
  });
  after(() => machine[Symbol.asyncDispose]());

  test('is followed from its first byte, and its output is consumed in order', async () => {
    await machine.console.waitFor('tiny guest is up', { timeoutMs: 120_000 });
    assert.match(machine.console.transcript, /^[^]{0,200}Linux version \d/);
    await assert.rejects(machine.console.waitFor('Linux version', { timeoutMs: 100 }), { code: 'timeout' });
    assert.match(await readFile(join(folder, 'console.log'), 'utf8'), /Linux version [^]*tiny guest is up/);
  });

  test('runs scripts over the port and leaves the console to people', async () => {
    const guest = await machine.login();
    const { stdoutBytes, ...result } = await guest.run('uname -n; echo err >&2; exit 3');
    assert.deepEqual(result, { exitCode: 3, stdout: 'tiny\n', stderr: 'err\n' });
    assert.equal(stdoutBytes.length, 5);
    machine.console.send('echo typed-$((1 + 1))\n');
    await machine.console.waitFor('typed-2');
  });

  test('brings back 4 MiB of binary output', async () => {
    const guest = await machine.login();
    const sum = await guest.output('head -c 4194304 /dev/urandom >/run/random; sha256sum </run/random');
    const { stdoutBytes } = await guest.run('cat /run/random; rm /run/random');
    assert.equal(stdoutBytes.length, 4 << 20);
    assert.equal(sha256Hex(stdoutBytes), sum.slice(0, 64));
  });

  test('kills a script whose time is over, and goes on', async () => {
    const guest = await machine.login();
    await assert.rejects(guest.run('sleep 9876', { timeoutMs: 1000 }), { code: 'timeout' });
    assert.doesNotMatch(await guest.output('ps'), /sleep 9876/);
  });

  test('reboots when asked, and by the reset button', async () => {
    const guest = await machine.login();
    await guest.output('touch /run/before');
    await guest.reboot();
    const next = await machine.login();
    assert.equal((await next.run('test -e /run/before')).exitCode, 1);
    await machine.reset();
    await machine.console.waitFor('tiny guest is up', { timeoutMs: 120_000 });
  });

  test('is gone without a trace when it is disposed of', async () => {
    const { pid } = machine;
    await machine[Symbol.asyncDispose]();
    assert.equal(await isThere(`/proc/${pid}`), false);
    assert.equal(await isThere(machine.folder), false);
    assert.equal(machine.isOn, false);
    await assert.rejects(machine.login(), { code: 'machine-off' });
  });
});

test('without the port, scripts run over the console, through lines that the kernel writes', async () => {
  await using machine = await startTiny({ words: 'noport' });
  const guest = await machine.login();
  await guest.output(
    `(while :; do echo '<0>a line of the kernel, of no use to anybody' >/dev/kmsg; sleep 0.2; done) >/dev/null 2>&1 &
    echo $! >/run/noise`,
  );
  const sum = await guest.output('head -c 200000 /dev/urandom >/run/random; sha256sum </run/random');
  const { stdoutBytes, stderr } = await guest.run(
    'echo once >>/run/runs; cat /run/runs >&2; cat /run/random',
    {
      timeoutMs: 300_000,
    },
  );
  assert.equal(sha256Hex(stdoutBytes), sum.slice(0, 64));
  assert.equal(stderr, 'once\n');
  assert.match(machine.console.transcript, /a line of the kernel/);
});

test('a password is typed when it is asked for, and a wrong one is said', async () => {
  await using machine = await startTiny({ words: 'withpassword' });
  await assert.rejects(machine.login({ timeoutMs: 120_000 }), {
    code: 'login-refused',
    message: /none was given/,
  });
  machine.console.send('\n');
  await assert.rejects(machine.login({ password: 'wrong' }), {
    code: 'login-refused',
    message: /root may not log in[^]*Login incorrect/,
  });
  const guest = await machine.login({ password: 'secret' });
  assert.equal(await guest.output('id -u'), '0\n');
});

test('what was flushed outlives a power cut, flipped bits are seen, the base stays clean', async () => {
  await using machine = await startTiny({ disks: [{ path: disk, size: 2 * DISK_SIZE }] });
  const guest = await machine.login();
  assert.equal(await guest.output('cat /sys/block/vda/size'), `${(2 * DISK_SIZE) / 512}\n`);
  await guest.output('echo written | dd of=/dev/vda bs=4096 seek=1 conv=sync,fsync');
  assert.deepEqual(await machine.powerOff(), { code: null, signal: 'SIGKILL' });
  await machine.flipBit({ offset: 4096 + 1, bit: 0 });
  await machine.flipBit({ offset: DISK_SIZE - 1, bit: 7 });
  await machine.powerOn();
  await assert.rejects(machine.flipBit({ offset: 0, bit: 0 }), { code: 'machine-on' });
  const again = await machine.login();
  assert.equal(
    await again.output('dd if=/dev/vda bs=4096 skip=1 count=1 2>/dev/null | head -n 1'),
    'wsitten\n',
  );
  const { stdoutBytes } = await again.run(
    `dd if=/dev/vda bs=4096 skip=${DISK_SIZE / 4096 - 1} count=2 2>/dev/null`,
  );
  const expected = Buffer.alloc(8192);
  expected.fill(MARK, 0, 4096);
  expected[4095] = MARK ^ 0x80;
  assert.ok(expected.equals(stdoutBytes));
  assert.ok(Buffer.alloc(DISK_SIZE, MARK).equals(await readFile(disk)));
});

test('a saved machine goes on, and is restored as often as one likes', async () => {
  const saved = join(folder, 'saved');
  await using machine = await startTiny({ disks: [{ path: disk }] });
  const guest = await machine.login();
  await guest.output('echo kept >/run/state; echo disk >/dev/vda; sync');
  await saveMachine(machine, saved);
  assert.equal(await guest.output('cat /run/state; echo changed >/run/state'), 'kept\n');
  await machine.powerOff();

  for (let round = 0; round < 2; round++) {
    await using restored = await restoreMachine(saved);
    const other = await restored.login({ timeoutMs: 20_000 });
    assert.equal(await other.output('cat /run/state; head -n 1 /dev/vda'), 'kept\ndisk\n');
    await other.output('echo changed >/run/state; echo changed >/dev/vda; sync');
  }

  const memory = await readFile(join(saved, 'memory.zst'));
  await writeFile(join(saved, 'memory.zst'), memory.subarray(0, memory.length >> 1));
  await assert.rejects(restoreMachine(saved), {
    code: 'snapshot-unusable',
    message: /no machine can be started/,
  });
  await writeFile(join(saved, 'memory.zst'), memory);

  const { atime, mtime } = await stat(disk);
  await utimes(disk, atime, new Date(0));
  await assert.rejects(restoreMachine(saved), { code: 'snapshot-unusable', message: /disk.raw has changed/ });
  await utimes(disk, atime, mtime);
});

test('a saved machine whose agent is on the console can be logged in to as well', async () => {
  const saved = join(folder, 'saved-console');
  await using machine = await startTiny({ words: 'noport' });
  const guest = await machine.login();
  await guest.output('echo kept >/run/state');
  await saveMachine(machine, saved);
  await machine.powerOff();
  await using restored = await restoreMachine(saved);
  assert.equal(await (await restored.login({ timeoutMs: 60_000 })).output('cat /run/state'), 'kept\n');
});

test('a machine with a disk of its own cannot be saved', async () => {
  await using machine = await startTiny({ disks: [{ path: disk, access: 'direct' }] });
  await assert.rejects(saveMachine(machine, join(folder, 'none')), { code: 'snapshot-failed' });
});

test('UEFI starts from its own copy of the variables, which a power cut keeps', async () => {
  await using machine = await startMachine({ boot: { kind: 'uefi' }, memoryMiB: 256, cacheFolder: CACHE });
  await machine.console.waitFor(/BdsDxe: |UEFI Interactive Shell/, { timeoutMs: 120_000 });
  assert.equal(machine.files.firmware?.variables, join(machine.folder, 'variables.fd'));
  await machine.powerOff();
  assert.ok(await isThere(join(machine.folder, 'variables.fd')));
});

describe('what goes wrong is said at once', () => {
  test('a kernel panic while waiting', async () => {
    await using machine = await startTiny({ words: 'rdinit=/none', reboots: false });
    await assert.rejects(machine.login({ timeoutMs: 120_000 }), {
      code: 'console-failure',
      message: /Kernel panic - not syncing/,
    });
  });

  test('a machine that ends while waiting', async () => {
    await using machine = await startTiny();
    await machine.console.waitFor('Linux version');
    const waiting = machine.console.waitFor('never', { timeoutMs: 60_000 }).catch((error: unknown) => error);
    process.kill(machine.pid, 'SIGKILL');
    const error = await waiting;
    assert.ok(error instanceof TestkitError);
    assert.equal(error.code, 'machine-exited');
    assert.match(error.message, /signal SIGKILL/);
    // How far the kernel came until then is chance; what it said last is shown.
    assert.ok(error.message.endsWith(machine.console.lastLines(1)));
    assert.deepEqual(await machine.exited, { code: null, signal: 'SIGKILL' });
    assert.equal(machine.isOn, false);
    await machine.powerOn();
    await machine.console.waitFor('Linux version');
  });

  test('a machine that ends while a script runs', async () => {
    await using machine = await startTiny();
    const guest = await machine.login();
    const running = assert.rejects(guest.run('sleep 60'), { code: 'machine-exited' });
    await sleep(300);
    await machine.powerOff();
    await running;
  });

  test('time that runs out before the prompt, with the last lines', async () => {
    await using machine = await startTiny({ words: 'rdinit=/bin/busybox' });
    await assert.rejects(machine.console.waitFor('never', { timeoutMs: 1500 }), {
      code: 'timeout',
      message: /within 1.5 s/,
    });
  });

  test('arguments that QEMU refuses, in its words', async () => {
    const started = performance.now();
    await assert.rejects(startTiny({ extraArguments: ['-device', 'no-such-device'] }), {
      code: 'machine-failed',
      message: /no-such-device/,
    });
    assert.ok(performance.now() - started < 5000);
  });

  test('an aborted start', async () => {
    await assert.rejects(startTiny({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });

  test('a guest that does not listen to the power button', async () => {
    await using machine = await startTiny();
    await machine.console.waitFor('tiny guest is up', { timeoutMs: 120_000 });
    await assert.rejects(machine.shutdown({ timeoutMs: 500 }), {
      code: 'timeout',
      message: /tiny guest is up/,
    });
    assert.ok(machine.isOn);
  });
});

test('KVM is found out by running a guest, within its bound, and remembered', async () => {
  const started = performance.now();
  const kvm = await runsUnderKvm();
  assert.ok(performance.now() - started < 4000);
  const cacheFolder = join(folder, 'accelerator');
  const found = await findAccelerator({ cacheFolder });
  assert.equal(found.kind, kvm ? 'kvm' : 'tcg');
  if (!(await isThere('/dev/kvm'))) return;
  const [name = ''] = await readdir(cacheFolder);
  const known = await readFile(join(cacheFolder, name), 'utf8');
  await writeFile(join(cacheFolder, name), known.replace(found.kind, kvm ? 'tcg' : 'kvm'));
  assert.equal((await findAccelerator({ cacheFolder })).kind, kvm ? 'tcg' : 'kvm');
  await writeFile(join(cacheFolder, name), known.replace(/^\S+/, 'another-boot'));
  assert.equal((await findAccelerator({ cacheFolder })).kind, found.kind);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  test(`machines end with the process that started them: ${signal}`, async () => {
    const code = `
      import { startMachine } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))};
      const machine = await startMachine(${JSON.stringify({
        boot: { kind: 'kernel', ...tiny, commandLine: 'console=ttyS0' },
        cacheFolder: CACHE,
      })});
      console.log(machine.pid, machine.folder);
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [pid, machineFolder = ''] = line.toString().trim().split(' ');
    assert.ok(await isThere(`/proc/${pid}`));
    child.kill(signal);
    const [, endedBy] = (await once(child, 'exit')) as [number, string];
    assert.equal(endedBy, signal);
    for (let tries = 0; tries < 50 && (await isThere(`/proc/${pid}`)); tries++) await sleep(100);
    assert.equal(await isThere(`/proc/${pid}`), false);
    // Nobody is left to remove the folder of a process that was killed.
    assert.equal(await isThere(machineFolder), signal === 'SIGKILL');
    await rm(machineFolder, { recursive: true, force: true });
  });
}
