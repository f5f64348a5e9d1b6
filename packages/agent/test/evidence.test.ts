import assert from 'node:assert/strict';
import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { HostError } from '@cairn/host';
import type { FakeProgram } from '@cairn/testkit';
import { settle } from '../src/bless/bless.ts';
import { withAttempt, withPending } from '../src/state/change.ts';
import { changeState, loadState } from '../src/state/store.ts';
import type { Attempt } from '../src/state/types.ts';
import { pendingOf, put } from './health-node.ts';
import { hostOf, makeNode, makeRelease, removeNodes } from './upgrade-node.ts';

const [OLD, NEW] = await Promise.all(['1.0', '2.0'].map(makeRelease));
if (OLD === undefined || NEW === undefined) throw new TypeError('two releases');

afterEach(removeNodes);

const SINCE = '2026-01-01T00:00:00.000Z';
const AFTER = new Date('2026-01-01T01:00:00Z');
const BEFORE = new Date('2025-12-01T00:00:00Z');
const BOOTS = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`);

function attempt(index: number, failure?: Attempt['failure']): Attempt {
  const at = '2026-01-01T00:30:00.000Z';
  return {
    bootId: BOOTS[index] ?? '',
    at,
    reached: 'userland',
    ...(failure === undefined ? {} : { failure }),
  };
}

const PANIC_2 = 'Panic#1 Part2\n<6>[    1.0] Run /usr/lib/systemd/systemd as init\n<4>[    2.0] token=abc\n';
const PANIC_1 =
  'Panic#1 Part1\n<0>[    3.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009\n<4>[    3.1] Call Trace:\n';
const WHAT = 'kernel panic: Attempted to kill init! exitcode=0x00000009';
const NO_MORE = 'its last boot had started its init, and had not come up, and then no more was heard of it';

const CASES: readonly {
  readonly name: string;
  readonly attempts: readonly Attempt[];
  /** By path: text and time. */
  readonly files?: Readonly<Record<string, readonly [string, Date]>>;
  /** The journal by the first digit of a boot's id. */
  readonly journal?: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly log: readonly string[];
}[] = [
  {
    name: 'nothing is known',
    attempts: [],
    reason: 'none of its boots came as far as the initrd’s end: the kernel or the initrd failed',
    log: [],
  },
  {
    name: 'one of its boots has told',
    attempts: [attempt(0, { reason: 'the unit a.service failed', log: ['a'] }), attempt(1)],
    files: { '/sys/fs/pstore/dmesg-efi_pstore-1767225700101001': [PANIC_1, AFTER] },
    journal: { 2: 'two' },
    reason: 'the unit a.service failed',
    log: ['a'],
  },
  {
    name: 'a panic in two parts, and a journal',
    attempts: [attempt(0), attempt(1)],
    files: {
      '/sys/fs/pstore/dmesg-efi_pstore-17672257001001': [PANIC_1, AFTER],
      '/sys/fs/pstore/dmesg-efi_pstore-17672257002001': [PANIC_2, AFTER],
      '/sys/fs/pstore/console-ramoops-0': ['no', AFTER],
    },
    journal: { 1: '-- Boot 1 --\none\npassword: x\n' },
    reason: WHAT,
    log: [
      'one',
      'password: ***',
      '<6>[    1.0] Run /usr/lib/systemd/systemd as init',
      '<4>[    2.0] token=***',
      '<0>[    3.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009',
      '<4>[    3.1] Call Trace:',
    ],
  },
  {
    name: 'a panic that systemd has put away, of a boot that left nothing else',
    attempts: [],
    files: { '/var/lib/systemd/pstore/1767225700/001/dmesg.txt': [PANIC_1, BEFORE] },
    reason: WHAT,
    log: [
      '<0>[    3.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009',
      '<4>[    3.1] Call Trace:',
    ],
  },
  {
    name: 'a panic from before it was installed',
    attempts: [attempt(0)],
    files: { '/sys/fs/pstore/dmesg-ramoops-0': [PANIC_1, BEFORE] },
    reason: NO_MORE,
    log: [],
  },
  {
    name: 'a hang: only the journal, of the last boot that has one',
    attempts: [attempt(0), attempt(1), attempt(2)],
    journal: { 1: 'one', 2: 'two' },
    reason: NO_MORE,
    log: ['two'],
  },
];

for (const { name, attempts, files = {}, journal = {}, reason, log } of CASES) {
  test(`why a release failed: ${name}`, async () => {
    const root = makeNode({
      a: { ...OLD, entry: 'cairn-1.conf' },
      b: { ...NEW, entry: 'cairn-2+0-3.conf' },
    });
    for (const [path, [text, time]] of Object.entries(files)) {
      put(root, path, text);
      utimesSync(join(root, path), time, time);
    }
    const journalctl: FakeProgram = (argv) => ({
      stdout: journal[argv[argv.indexOf('-b') + 1]?.[0] ?? ''] ?? '',
    });
    const host = hostOf(root, { journalctl });
    await changeState(host.files, (state) =>
      attempts.reduce(withAttempt, withPending(state, { ...pendingOf(NEW), since: SINCE })),
    );
    await settle(host);
    const { state } = await loadState(host.files);
    assert.deepEqual([state.denied[0]?.reason, state.denied[0]?.log], [reason, log]);
    assert.equal(state.pending, undefined);
  });
}

test('what cannot be looked at does not keep a release off the deny list', async () => {
  const root = makeNode({ a: { ...OLD, entry: 'cairn-1.conf' }, b: { ...NEW, entry: 'cairn-2+0-3.conf' } });
  mkdirSync(join(root, 'sys/fs/pstore'), { recursive: true });
  const host = hostOf(root, {
    journalctl: () => {
      throw new HostError('not-found', 'journalctl is not installed');
    },
  });
  await changeState(host.files, (state) => withAttempt(withPending(state, pendingOf(NEW)), attempt(0)));
  const list = host.files.list.bind(host.files);
  const files = {
    ...host.files,
    list: async (path: string) => {
      if (path.includes('pstore')) throw new HostError('io', 'cannot list');
      return list(path);
    },
  };
  await settle({ ...host, files });
  assert.equal((await loadState(host.files)).state.denied[0]?.reason, NO_MORE);
});
